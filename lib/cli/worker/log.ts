import { styleText } from 'node:util';
import type { Reporter } from '../../core/reporter.js';
import { wantsColours, type Terminal } from '../terminal.js';

const COLOURS = { log: 'green', warn: 'yellow', error: 'red' } as const;
const CALLED = { log: 'info', warn: 'warn', error: 'error' } as const;

type Level = keyof typeof COLOURS;

/** Where a worker says what operators should know: on stderr, a line each, with stacks where they are asked for. */
export function workLog(terminal: Terminal, stacks: boolean): Reporter {
  const coloured = process.stderr.isTTY === true && wantsColours();
  const say = (level: Level, message: string, stack?: string): void => {
    const called = CALLED[level].padEnd(5);
    terminal.say(`${new Date().toISOString()} ${coloured ? styleText(COLOURS[level], called) : called} ${message}`);
    if (stack && stacks) terminal.say(stack);
  };
  return {
    log: (message) => say('log', message),
    warn: (message) => say('warn', message),
    error: (message, stack) => say('error', message, stack),
  };
}
