import { afterEach, describe, expect, test, vi } from 'vitest';
import { isMadeHere, newId } from '../../lib/core/id.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function many(): string[] {
  return Array.from({ length: 10_000 }, newId);
}

describe('a new id', () => {
  test('is a UUIDv7 whose time is now', () => {
    const before = Date.now();
    const id = newId();
    expect(id).toMatch(V7);
    const ms = parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now());
  });

  test('differs from all before it and sorts after them, also within a millisecond', () => {
    const ids = many();
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
  });

  test('sorts after those before it, though the clock steps back', () => {
    const ids = many();
    const now = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(now - 3_600_000);
    ids.push(...many());
    vi.spyOn(Date, 'now').mockReturnValue(now + 1000);
    ids.push(...many());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
    vi.spyOn(Date, 'now').mockReturnValue(now);
    expect(newId() > (ids.at(-1) ?? '')).toBe(true);
  });

  test('is told from one of others', () => {
    for (const id of many().slice(0, 100)) expect(isMadeHere(id)).toBe(true);
    for (const id of ['', 'order-17', '0198f2c4-0000-7000-8000-000000000000', newId().toUpperCase(), `${newId()}x`]) {
      expect(isMadeHere(id)).toBe(false);
    }
  });
});
