/** How many publish at once where many do. */
export const CALLERS = 64;

/** Calls `act` with 0 up to `count`, by many callers at once, each going on as soon as its call has ended. */
export async function byCallers(count: number, act: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}
