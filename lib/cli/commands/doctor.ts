import { EXIT, UsageError } from '../exit-codes.js';
import { folderOf, refuseMissing } from '../opened-backend.js';
import { oneLine } from '../plain-text.js';
import type { CommandSpec } from '../run.js';

interface Options {
  readonly fix?: boolean;
  readonly dryRun?: boolean;
  readonly messages?: boolean;
}

export const doctor: CommandSpec<Options> = {
  name: 'doctor',
  summary:
    'examine the directories of filer: half moves, orphans, foreign files, rights, a full disk; 1 where anything is left',
  examples: [
    ['nestjs-jobs doctor -b filer:var/jobs', 'tells what is broken, and what would be done about it'],
    ['nestjs-jobs doctor -b filer:var/jobs --fix', 'does what is safe while workers run; deletes no job'],
  ],
  configure: (command) =>
    command
      .option('--fix', 'repair what is safe to repair')
      .option('--dry-run', 'tell what would be done, and do nothing (the default)')
      .option('--messages', 'also read every job that waits'),
  run: async (session) => {
    const { options, terminal } = session;
    if (options.fix && options.dryRun) throw new UsageError('doctor: expected either --fix or --dry-run, got both');
    const backend = await session.url();
    const directory = folderOf(backend);
    if (directory === undefined)
      throw new UsageError('doctor: expected --backend filer:<directory>, got another engine');
    refuseMissing(backend);
    const filer = await import('../../backends/filer/index.js');
    const findings = await filer.doctor({
      directory,
      fix: options.fix ?? false,
      messages: options.messages ?? false,
    });
    if (options.json) await terminal.printJson({ directory, findings });
    else {
      for (const { path, problem, remedy, fixed } of findings) {
        await terminal.print(oneLine(`${path}: ${problem}; ${fixed ? 'done' : 'to do'}: ${remedy}`));
      }
      const left = findings.filter(({ fixed }) => !fixed).length;
      const sound = `${directory} is sound`;
      await terminal.print(
        findings.length === 0 ? sound : `${findings.length} found, ${findings.length - left} repaired`,
      );
    }
    return findings.every(({ fixed }) => fixed) ? EXIT.done : EXIT.undone;
  },
};
