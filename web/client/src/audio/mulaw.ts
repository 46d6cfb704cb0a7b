// Mu-law, ITU-T G.711 at 16 bits, with the codes of the server.

const BIAS = 132;
const CLIP = 32635;

const LINEAR = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 7)) - BIAS;
  return (bits & 0x80 ? -magnitude : magnitude) / 32768;
});

const CODES = Uint8Array.from({ length: 65536 }, (_, index) => {
  const sample = (index << 16) >> 16;
  const magnitude = Math.min(sample < 0 ? ~sample : sample, CLIP) + BIAS; // as in ITU-T G.191
  const segment = 24 - Math.clz32(magnitude);
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f)) & 0xff;
});

/** Samples (-1 to 1, clipped) to mu-law codes. */
export function encodeMulaw(samples: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(samples, (sample) => {
    const linear = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
    return CODES[linear & 0xffff]!;
  });
}

/** Mu-law codes to samples. */
export function decodeMulaw(codes: ArrayLike<number>): Float32Array {
  return Float32Array.from(codes, (code) => LINEAR[code]!);
}
