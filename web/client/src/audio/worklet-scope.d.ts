// What an AudioWorkletGlobalScope has besides the language; TypeScript's libraries lack it.

declare const sampleRate: number;

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}

declare function registerProcessor<Options>(
  name: string,
  processor: new (options: { processorOptions: Options }) => AudioWorkletProcessor & {
    process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
  },
): void;
