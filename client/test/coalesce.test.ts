import assert from "node:assert/strict";
import { test } from "node:test";
import { coalesce } from "../src/coalesce";

/** Work whose runs are finished by hand. */
function work(): { runs: ((error?: Error) => void)[]; most: () => number; run: () => Promise<void> } {
  const runs: ((error?: Error) => void)[] = [];
  let active = 0;
  let most = 0;
  const run = (): Promise<void> => {
    active += 1;
    most = Math.max(most, active);
    return new Promise<void>((resolve, reject) => {
      runs.push((error) => {
        active -= 1;
        return error ? reject(error) : resolve();
      });
    });
  };
  return { runs, most: () => most, run };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("calls during a run become one more run, never two at a time", async () => {
  const { runs, most, run } = work();
  const call = coalesce(run);
  const first = call();
  const later = [call(), call(), call()];
  runs[0]?.();
  await first;
  await turn();
  assert.equal(runs.length, 2);
  runs[1]?.();
  await Promise.all(later);
  await turn();
  assert.equal(runs.length, 2);
  assert.equal(most(), 1);
});

test("a call during the second run gets a third", async () => {
  const { runs, most, run } = work();
  const call = coalesce(run);
  const first = call();
  const second = call();
  runs[0]?.();
  await first;
  await turn();
  const third = call();
  runs[1]?.();
  await second;
  await turn();
  runs[2]?.();
  await third;
  assert.equal(runs.length, 3);
  assert.equal(most(), 1);
});

test("a run that fails tells its caller and does not keep the next from running", async () => {
  const { runs, run } = work();
  const call = coalesce(run);
  const first = call();
  const second = call();
  runs[0]?.(new Error("no"));
  await assert.rejects(first, /no/);
  await turn();
  runs[1]?.();
  await second;
  const third = call();
  runs[2]?.();
  await third;
});
