import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes half a minute or more, by its path. Begun last, they would keep the whole run waiting for one or two of them. */
const SLOW = [
  /e2e-spec/,
  /conformance\/broken-backends/,
  /crash/,
  /backends\/[\w-]+\.spec/,
  /readme/,
  /(draining|closing-under-load|watchdog)/,
  /(operating|moving|processes)\.spec/,
];

/** The order of test files: the slow ones first. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = SLOW.findIndex((pattern) => pattern.test(moduleId));
  return rank < 0 ? SLOW.length : rank;
}
