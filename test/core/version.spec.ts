import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION } from '../../lib/core/version.js';

test('the version is that of the manifest', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as object;
  expect(manifest).toMatchObject({ version: VERSION });
});
