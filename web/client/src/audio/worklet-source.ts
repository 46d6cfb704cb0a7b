/** The program of `worklet.ts`, which the build puts in place of the name. */
declare const WORKLET: string;

/** An address that the worklet's program can be loaded from. To be revoked. */
export function workletAddress(): string {
  return URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
}
