import { exists, isFile, statIfThere, unlinkIfThere } from './disk.js';
import { draftName, isLeftDraft } from './drafts.js';
import { breakIfAbandoned, exclusively, isAbandoned } from './exclusive.js';
import { isShortened, parsePending } from './file-name.js';
import { found, type Finding, type Patient } from './finding.js';
import { IdRegister } from './id-register.js';
import { namesIn } from './listing.js';
import { Rescue } from './rescue.js';
import { SideFiles } from './side-files.js';
import { leftSides } from './tidy.js';

/** Of a foreign file in `pending/`, for which no lease is known. */
const LEASE_MS = 30_000;

/** What processes that died have left behind: each would be mended by a worker in time, and is here at once. */
export async function examineLeftovers(patient: Patient): Promise<Finding[]> {
  return [
    ...(await drafts(patient)),
    ...(await claimed(patient)),
    ...(await metas(patient, 'errors')),
    ...(await metas(patient, 'expired')),
    ...(await ids(patient)),
    ...(await sides(patient)),
  ];
}

async function drafts(patient: Patient): Promise<Finding[]> {
  const { disk, folders, owners } = patient;
  const findings: Finding[] = [];
  for await (const names of namesIn(disk, folders.path('tmp'))) {
    for (const file of names.filter((each) => isLeftDraft(disk, folders.path('tmp'), each, owners))) {
      const path = folders.file('tmp', file);
      const problem = 'it is a draft of a process that died before it was published';
      findings.push(await found(patient, path, problem, 'remove it', () => unlinkIfThere(disk, path)));
    }
  }
  return findings;
}

async function claimed(patient: Patient): Promise<Finding[]> {
  const { disk, folders, owners } = patient;
  const sideFiles = new SideFiles(folders, disk, () => folders.file('tmp', draftName(owners)));
  const rescue = new Rescue({
    folders,
    disk,
    owners,
    leaseMs: LEASE_MS,
    adopt: (name, file) => {
      if (isShortened(name.tail)) sideFiles.write(name.order, { failures: [], file });
    },
    rescued: () => undefined,
  });
  const findings: Finding[] = [];
  for await (const names of namesIn(disk, folders.path('pending'), 'files')) {
    for (const file of names) {
      const problem = whyNobodyHas(patient, file);
      if (problem === undefined) continue;
      const path = folders.file('pending', file);
      const takeBack = (): boolean => {
        rescue.takeBack(file);
        return !exists(disk, path);
      };
      findings.push(await found(patient, path, problem, 'let it wait again, with this attempt counted', takeBack));
    }
  }
  return findings;
}

function whyNobodyHas({ disk, folders, owners, settledAfterMs }: Patient, file: string): string | undefined {
  const name = parsePending(file);
  if (!name) return undefined;
  if (owners.isDead(name.owner)) return 'its worker has died';
  const since = statIfThere(disk, folders.file('pending', file))?.ctimeMs ?? Infinity;
  const isLong = Date.now() > Math.max(since, name.claimedAt) + 2 * name.leaseMs + settledAfterMs;
  return isLong && !owners.isAlive(name.owner) ? 'its lease lapsed long ago, and no worker took it back' : undefined;
}

/** A meta stands before its job for the moment of a move, so that only older ones are left. */
async function metas(patient: Patient, folder: 'errors' | 'expired'): Promise<Finding[]> {
  const { disk, folders, owners } = patient;
  const findings: Finding[] = [];
  const lock = folders.file(folder, '.lock');
  if (isAbandoned(disk, lock, owners)) findings.push(await abandoned(patient, lock));
  for await (const names of namesIn(disk, folders.path(folder), 'files')) {
    for (const file of names.filter((each) => each.endsWith('.meta') && !each.startsWith('.'))) {
      const path = folders.file(folder, file);
      const isLeft = (): boolean => isSettled(patient, path) && !isFile(disk, path.slice(0, -'.meta'.length));
      if (!isLeft()) continue;
      const remove = (): Promise<boolean> =>
        exclusively(disk, lock, owners, () => isLeft() && unlinkIfThere(disk, path));
      findings.push(await found(patient, path, 'it tells of a job that is gone', 'remove it', remove));
    }
  }
  return findings;
}

async function ids(patient: Patient): Promise<Finding[]> {
  const { disk, folders, owners } = patient;
  const register = new IdRegister(folders, disk, owners);
  const findings: Finding[] = [];
  for await (const names of namesIn(disk, folders.path('.ids'))) {
    for (const file of names) {
      const path = folders.file('.ids', file);
      if (file.startsWith('.')) {
        if (isAbandoned(disk, path, owners)) findings.push(await abandoned(patient, path));
      } else if (statIfThere(disk, path)?.nlink === 1 && isSettled(patient, path)) {
        const forget = (): Promise<boolean> => register.forget(file).then(() => !exists(disk, path));
        findings.push(await found(patient, path, 'it stands for the id of a job that is gone', 'remove it', forget));
      }
    }
  }
  return findings;
}

async function sides(patient: Patient): Promise<Finding[]> {
  const { disk, folders } = patient;
  const findings: Finding[] = [];
  for (const file of await leftSides(disk, folders)) {
    const path = folders.file('delayed', file);
    const problem = 'it keeps the failures of a job that is gone';
    findings.push(await found(patient, path, problem, 'remove it', () => unlinkIfThere(disk, path)));
  }
  return findings;
}

function abandoned(patient: Patient, lock: string): Promise<Finding> {
  const { disk, owners } = patient;
  const problem = 'it is a lock of a process that died with it';
  return found(patient, lock, problem, 'remove it', () => breakIfAbandoned(disk, lock, owners));
}

function isSettled({ disk, settledAfterMs }: Patient, path: string): boolean {
  const changedMs = statIfThere(disk, path)?.ctimeMs;
  return changedMs !== undefined && Date.now() - changedMs > settledAfterMs;
}
