/** Which faults each scenario of several workers, of ids, and of the core at work has to catch. */
export const caughtTogether: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sharing: {
    'what one worker publishes, another is given': ['gives each worker jobs of its own'],
    'what one worker publishes reaches a reserve of another that waits': [
      'wakes only reserves of the publishing worker',
    ],
    'a worker that comes later is given what waits': ['gives each worker jobs of its own'],
    'two workers are given each of hundreds of jobs once': ['loses every third job', 'hands each job to two workers'],
    'two workers never hold one job at a time': ['hands each job to two workers', 'leases nothing'],
    'two workers publish at the same time, and all is stored': ['loses what is published at the same time'],
    'an urgent job of one worker goes before what another works through': ['ignores priorities'],
    'what one worker puts back, another is given': ['wakes only reserves of the publishing worker'],
    'what one worker delays falls due for another, though the first has gone': [
      'keeps delayed jobs in the publishing worker',
    ],
  },
  crashing: {
    'all that a dead worker held comes again, each job once': ['lets no lease lapse', 'hands each job to two workers'],
    'each death costs the job an attempt': ['counts attempts only when they are settled'],
    'a job rescued from a dead worker is whole': [
      'forgets the failures of a job that lapsed',
      'keeps only the payload of what comes back',
    ],
    'handing back at shutdown costs nothing, dying after it does': [
      'charges what is given back',
      'counts attempts only when they are settled',
    ],
    'a worker that dies while it waits takes no job with it': ['lets no lease lapse'],
    'what a worker published and put off before it died still comes': ['forgets delayed jobs'],
    'what a worker settled before it died stays settled': ['settles a while later'],
  },
  closing: {
    'close ends waiting reserves at once': ['leaves waiting reserves at close'],
    'close resolves though nothing was done': ['rejects a close of what was never used', 'hangs at close'],
    'close may be called again, also at the same time': ['rejects a second close'],
    'what was published before close is there for others': ['stores what is published a while later'],
    'what was published before all closed is there when it is opened again': [
      'forgets all when the last worker closes',
    ],
    'a publish under way at close is stored, or rejects': ['stores what is published a while later'],
    'a settlement under way at close counts, or is not said to': ['settles a while later'],
    'what was not settled at close stays leased until the lease lapses, then comes again': [
      'frees what it holds at close',
      'waits for settlements at close',
    ],
    'closing one worker does not disturb another': ['closes all workers at once'],
    'close leaves nothing open that would keep a process alive': ['leaves a timer behind'],
  },
  ids: {
    'the id of a job that waits is taken, for its own worker and for others': [
      'does not look for the ids of waiting jobs',
      'calls every message new',
      'stores duplicates',
    ],
    'the id of a job that is delayed is taken, for its own worker and for others': [
      'does not look for the ids of delayed jobs',
    ],
    'the id of a job that is active is taken, for its own worker and for others': [
      'does not look for the ids of active jobs',
    ],
    'the id of a job that failed is taken, for its own worker and for others': [
      'does not look for the ids of failed jobs',
      'drops failed jobs',
    ],
    'the id of a job that was put back is taken, for its own worker and for others': [
      'does not look for the ids of jobs put back',
    ],
    'the id of a job that was put back for later is taken, for its own worker and for others': [
      'does not look for the ids of jobs put back for later',
    ],
    'the id of a job that was completed is free': ['sets completed jobs aside'],
    'the id of a job that has expired is free': ['sets expired jobs aside as failed'],
    'an id stays taken when the worker of its job dies': ['frees the id of a job that lapsed'],
    'an id that the core made is found, whatever the state of its job': ['does not look for ids made here'],
    'a duplicate changes nothing of the job that has the id': ['replaces the job of an id'],
    'of one id within one call, the first is stored': ['does not look for duplicates within one call'],
    'of one id published by two workers at the same time, one is stored': [
      'looks for an id and stores it in two steps',
    ],
    'where duplicates can’t be found, all are stored and none is said to be one': [
      'finds duplicates though its traits say no',
    ],
    'an id in another queue is another job’s': ['keeps ids across queues'],
    'ids of others come back as they were, however odd, and none is taken for another': [
      'takes ids for file names',
      'takes ids without their case',
      'takes ids without their accents’ form',
      'cuts ids',
    ],
  },
  handling: {
    'a job whose handler returns is completed': ['keeps completed jobs', 'sets completed jobs aside'],
    'a handler is told all of its job': ['drops headers', 'drops the expiration', 'cuts times to seconds'],
    'a fatal error fails the job at once': ['hands failed jobs out again', 'drops failed jobs'],
    'a transient error retries the job after its backoff until its attempts are used up; then it failed': [
      'puts back a little early',
      'charges nothing that comes back',
    ],
    'an error that nobody marked retries the job after its backoff until its attempts are used up; then it failed': [
      'puts back a little early',
      'never counts attempts',
    ],
    'a job that succeeds at last is completed': ['charges nothing that comes back', 'drops jobs that are put back'],
    'the error’s retryIn goes before the backoff': ['ignores until when a job is put back'],
    'a retry that would start after the expiration makes the job expire': [
      'drops the expiration',
      'sets expired jobs aside as failed',
    ],
    'a blocked job comes again and costs no attempt': ['charges what is given back'],
    'a job that is blocked for too long fails': ['drops failed jobs', 'charges what is given back'],
    'a job that runs too long is told by its signal and retried': ['drops jobs that are put back'],
    'a result that JSON can’t keep fails the job at once': ['hands failed jobs out again'],
    'a payload that its schema refuses fails the job at once, before it is handled': ['drops failed jobs'],
    'a result that its schema refuses fails the job at once': ['hands failed jobs out again'],
    'each failed attempt is kept with the job': ['forgets failures', 'keeps the last failure only'],
  },
  throwing: {
    'a handler may throw what is no error: the job is retried, then failed, and others go on': ['drops failed jobs'],
    'a handler may throw an odd error: the job is retried, then failed, and others go on': ['drops failed jobs'],
  },
  recurring: {
    'each tick is published once, whoever of two workers comes first': [
      'keeps no record at all, and stores duplicates',
    ],
    'a tick whose worker dies before it published is published by another': ['swaps nothing'],
    'a tick whose worker dies before it published is published by one that starts later': ['forgets records'],
    'a tick that is published again after its job has completed is not handled again': ['forgets records'],
  },
  unique: {
    'of one key, one job waits; the publisher of another is told which': ['claims nothing'],
    'of one key published by two workers at the same time, one is stored': [
      'looks for a record and claims its key in two steps',
    ],
    'a key is free once its job has completed or failed, and not before': ['deletes nothing', 'claims nothing'],
    'a job that is retried keeps its key': ['claims nothing'],
    'a key of jobs that wait is free while one is handled': ['deletes nothing'],
    'a key of active jobs is taken only while one is handled': ['claims nothing', 'deletes nothing'],
    'a key that is taken for a time is free after it, whatever becomes of its job': ['keeps records for ever'],
    'a job that replaces another is handled in its place': ['forgets records'],
    'a unique job whose worker dies keeps its key, and frees it at its end': ['claims nothing', 'deletes nothing'],
  },
  forwarding: {
    'a job goes on as the next in another queue, with its id and what was returned': [
      'gives each job an id of its own',
    ],
    'a job goes on as the next in its own queue, with its id and what was returned': ['completes what is to give way'],
    'a handler decides that its job goes on in another queue, and how': ['drops headers'],
    'a handler decides that its job goes on in its own queue, and how': ['completes what is to give way'],
    'a job’s expiration, priority and headers go on with it': [
      'drops the expiration',
      'drops headers',
      'forgets priorities',
    ],
    'a job whose worker dies as it goes on is handled again, and the next is not lost': [
      'stores duplicates',
      'lets no lease lapse',
    ],
    'each of many jobs goes through a chain of three once': ['loses every third job', 'hands each job to two workers'],
    'each of many jobs goes through a chain of three once, also back to the queue that it began in': [
      'loses every third job',
    ],
    'what the next job’s schema refuses fails the one before it': ['drops failed jobs'],
  },
  admitting: {
    'a job whose expiration has passed is never handled': ['drops the expiration'],
    'a job that expires between its attempts is not handled again': ['drops the expiration'],
    'a job that expires while its place is taken is not handled': ['drops the expiration'],
    'a delayed job is not handled before its time': ['forgets delayed jobs', 'hands out a little early'],
    'a job without a handler here is put back at no cost, and handled where there is one': [
      'charges what is given back',
    ],
    'a job without a handler fails once the grace has passed': ['drops failed jobs'],
    'jobs without a handler hinder no others': ['holds others up behind a delayed job'],
    'a job that kills its workers fails when its attempts are used up': ['counts attempts only when they are settled'],
    'attempts used up elsewhere count': ['ignores attempts used up elsewhere'],
  },
  consuming: {
    'the most urgent is handled first': ['ignores priorities'],
    'an urgent job that comes while others run is handled next': ['fetches ahead'],
    'no more jobs of a queue run at a time than it may': ['gives more than asked for'],
    'jobs that a process has no place for are left to others': ['fetches ahead'],
    'no more jobs of a handler run at a time than it may': ['settles the whole batch'],
    'two processes handle each of many jobs once': ['hands each job to two workers'],
    'a handler may publish': ['loses every third job'],
    'a job that runs for several leases is handled by one worker': ['says that it renews, and does not'],
    'a worker that loses touch loses its job to another, and settles nothing': ['lets no lease lapse'],
  },
  stopping: {
    'a job that still runs when the grace is over is told, and handed back at no cost': ['charges what is given back'],
    'a job that ends within the grace is completed': ['keeps completed jobs'],
    'a job that waits for a place is handed back at once and at no cost': ['charges what is given back'],
    'a consumer that has stopped takes no more': ['does not hear an abort'],
    'jobs that come while a consumer stops are neither lost nor charged': [
      'drops what it has leased when it is aborted',
    ],
  },
  foreign: {
    'a message of the least is handled, and given an id': ['gives no id to messages without one'],
    'a message keeps its id, its priority and its other headers': ['leaves the headers of others behind'],
    'a message’s delay is heeded, at no cost': ['ignores the delays of others'],
    'a message that has expired is never handled': ['ignores the expirations of others'],
    'attempts that a message has used up elsewhere count': ['counts attempts only when they are settled'],
    'content that is no message is handed out with its bytes as they came': ['keeps what it can’t read as text'],
    'content that is no message fails, and the others go on': [
      'drops what it can’t read',
      'stumbles over what it can’t read',
    ],
  },
};
