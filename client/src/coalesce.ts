/**
 * Runs `work` one at a time. A call while it runs asks for one more run afterwards; any number of such calls
 * together ask for one. The promise is settled after a run that began at or after the call.
 */
export function coalesce(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function begin(): Promise<void> {
    const current = work().finally(() => {
      if (running === current) {
        running = undefined;
      }
    });
    running = current;
    return current;
  }

  return () => {
    if (running === undefined) {
      return begin();
    }
    next ??= running.then(ignore, ignore).then(() => {
      next = undefined;
      return begin();
    });
    return next;
  };
}

function ignore(): void {
  // The caller of that run has its error; the next run does not depend on it.
}
