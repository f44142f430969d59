import { isUnreadable } from '../../core/message.js';
import { readContents } from './contents.js';
import { asText } from './file-name.js';
import { found, type Finding, type Patient } from './finding.js';
import { isGone } from './folders.js';
import { namesIn } from './listing.js';
import { nameOf, standing } from './standing.js';

/** The messages that wait and can't be read: nothing is done about them, for they fail when their turn comes. */
export async function examineMessages(patient: Patient): Promise<Finding[]> {
  const { disk, folders } = patient;
  const findings: Finding[] = [];
  for (const folder of ['incoming', 'delayed'] as const) {
    for await (const names of namesIn(disk, folders.path(folder), 'files')) {
      for (const file of names) {
        const reason = standing(folder, file, Date.now()) ? damage(patient, folder, file) : undefined;
        if (reason === undefined) continue;
        const problem = `its message can't be read: ${reason}`;
        findings.push(await found(patient, folders.file(folder, file), problem, 'mend it, or let it fail'));
      }
    }
  }
  return findings;
}

function damage({ disk, folders }: Patient, folder: 'incoming' | 'delayed', file: string): string | undefined {
  try {
    const contents = readContents(disk, folders.file(folder, file), asText(nameOf(file)?.tail ?? file));
    return contents && isUnreadable(contents.content) ? contents.content.unreadable : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
