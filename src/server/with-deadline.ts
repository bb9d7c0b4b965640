/** Resolves when `work` does, when `ms` are over, or when `forced` resolves; leaves no timer behind. */
export async function withDeadline(work: Promise<void>, ms: number, forced: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late, forced]);
  clearTimeout(timer);
}
