// Leaving out a part of a waveform so that nobody hears it: a whole number of its periods.

const SHORTEST = 0.0025; // seconds: the periods of voices
const LONGEST = 0.0125;
const OVERLAP = 0.005;

/** How many samples to leave out at the start of `sound`, for what follows to be most like it; 0 if it is too short. */
export function bestCut(sound: Float32Array, rate: number): number {
  const overlap = Math.round(OVERLAP * rate);
  let best = 0;
  let least = Infinity;
  // The longest of equals is found first: silence may go at once.
  for (let length = Math.round(LONGEST * rate); length >= SHORTEST * rate; length -= 1) {
    if (length + overlap > sound.length) continue;
    const unlike = difference(sound, length, overlap);
    if (unlike < least) [best, least] = [length, unlike];
  }
  return best;
}

/** What stands at `length`, faded in over what stands at the start. */
export function crossfade(sound: Float32Array, length: number): Float32Array {
  const overlap = Math.min(length, sound.length - length);
  return Float32Array.from({ length: overlap }, (_, i) => {
    const share = (i + 1) / (overlap + 1);
    return (1 - share) * sound[i]! + share * sound[length + i]!;
  });
}

function difference(sound: Float32Array, length: number, overlap: number): number {
  let sum = 0;
  for (let i = 0; i < overlap; i += 2) sum += Math.abs(sound[i]! - sound[length + i]!);
  return sum;
}
