#!/usr/bin/env node
import { runCommandLine } from './program.js';

// Help is printed before there is a terminal that hears of it: who reads it may go, as `| head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2));
