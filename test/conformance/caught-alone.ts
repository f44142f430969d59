/** Which faults each scenario of the engine alone has to catch: chapter, scenario, breakers. */
export const caughtAlone: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  publishing: {
    'a job is handed out with its id, its name and its payload': [
      'gives each job an id of its own',
      'never answers a publish',
    ],
    'each message has its receipt': ['gives one receipt for all messages', 'calls no message new'],
    'headers travel, whatever their names and values': ['copies headers by assignment', 'drops headers'],
    'attempts, backoff and timeout of a job’s own travel with it': ['drops attempts, backoff and timeout'],
    'what a job does not say stays unsaid': ['decides what the job left open'],
    'expiration and the time of publishing travel to the millisecond': [
      'cuts times to seconds',
      'drops the expiration',
    ],
    'priorities travel with their jobs': ['forgets priorities'],
    'what is done to a payload and its headers after publish was called changes nothing': ['drops headers'],
    'a message that does not say when it was published is known by when it was stored': [
      'takes the hand-out for the time of storing',
    ],
    'the core tells of a job what was stored': ['gives each job an id of its own', 'forgets priorities'],
    'publishMany stores all, over several queues, and answers in their order': ['reads all queues'],
  },
  bytes: {
    'every kind of JSON value comes back as it was': ['takes null for nothing', 'keeps numbers in four bytes'],
    'odd text comes back as it was': ['ends texts at NUL', 'repairs lone surrogates', 'takes lines for lines'],
    'a text alone as payload comes back as it was': ['parses texts that look like JSON', 'drops a byte order mark'],
    'properties named __proto__ and constructor arrive as properties, in their order': [
      'copies properties by assignment',
      'sorts properties',
    ],
    'a payload that looks like a message stays a payload': ['unwraps payloads that look like messages'],
    'a payload may be nested deeply': ['gives up on deep nesting'],
    'a large payload comes back whole': ['truncates at 64 KB'],
    'names of queues, jobs and ids may have 100 characters': ['truncates names'],
    'queues whose names are alike don’t mix': [
      'takes queue names without their case',
      'takes queue names up to the first dot',
    ],
    'a payload is its receiver’s own: the next attempt has it as published': ['gives every receiver the same payload'],
    'a job that comes back is whole': ['keeps only the payload of what comes back'],
  },
  reserving: {
    'a reserve gives at most as many as asked for': ['gives more than asked for'],
    'what a reserve did not ask for is free for others at once': ['fetches ahead'],
    'a delivery tells its queue': ['does not tell the queue'],
    'a reserve of an empty queue waits': ['answers at once when there is nothing'],
    'a job published while a reserve waits is handed out': ['never wakes a reserve'],
    'several waiting reserves share what is published': ['serves one waiting reserve'],
    'a wait ends at once when its signal aborts': ['does not hear an abort'],
    'a reserve whose signal has aborted before resolves at once': ['hangs when its signal has aborted before'],
    'an abort loses no job and costs none an attempt': ['drops what it has leased when it is aborted'],
    'a reserve takes from its own queue only': ['reads all queues'],
    'a lease begins when the job is handed out, however long the reserve has waited': [
      'reckons leases from the call',
      'reckons leases from the future',
    ],
  },
  order: {
    'the most urgent is handed out first, whatever the order of publishing': [
      'ignores priorities',
      'serves the least urgent first',
      'rounds priorities to tens',
    ],
    'one reserve gives its jobs in order': ['gives its jobs unsorted'],
    '0 comes first, 1024 between, 4294967295 last': [
      'takes 0 for no priority',
      'keeps priorities in 32 bits with a sign',
    ],
    'an urgent job that arrives last is handed out first': ['sorts the first thousand only'],
    'equals that one call published are served in its order': ['stores many backwards'],
    'equals published one after the other are served in that order': [
      'serves the last first',
      'serves equals in no order',
    ],
    'equals published without waiting for each other are served in the order of the calls': [
      'lets publishes overtake each other',
    ],
    'the order holds among calls of one and calls of many, in each priority': [
      'serves calls of one before calls of many',
    ],
    'the order holds while jobs are published and taken in turn': ['fetches ahead', 'ignores priorities'],
    'priorities up to traits.exactPriorities keep their exact order': [
      'keeps priorities in two bytes',
      'rounds priorities to tens',
    ],
    'priorities are never inverted, however large': [
      'keeps priorities in two bytes',
      'keeps priorities in 32 bits with a sign',
    ],
    'a job that comes back keeps its priority': ['puts what comes back at the end'],
    'a delayed job that falls due is served by its priority': ['puts what falls due at the end'],
  },
  delay: {
    'a delayed job is handed out, and not before its time': [
      'ignores delays',
      'hands out a little early',
      'hands out a little late',
    ],
    'a delay is rounded up, whatever its length': ['rounds delays down'],
    'a delayed job falls due while nobody reserves': ['forgets delayed jobs'],
    'a job published while a reserve waits falls due for it': ['looks for due jobs only when something is published'],
    'a delayed job holds up no other, though it is more urgent': ['holds others up behind a delayed job'],
    'a shorter delay falls due before a longer one that was published first': [
      'serves delayed jobs in the order of publishing',
    ],
    'many delayed jobs all come, each once and none before its time': [
      'hands out a little early',
      'forgets delayed jobs',
    ],
    'a moment that has passed is now': ['takes a past moment for a coming one'],
    'a delay may be as long as times go': ['fires long timers at once'],
  },
  settling: {
    'a completed job is gone': ['keeps completed jobs', 'forgets to take the lease off completed jobs'],
    'a failed job is never handed out again': [
      'hands failed jobs out again',
      'forgets to take the lease off failed jobs',
    ],
    'an expired job is gone': ['keeps expired jobs'],
    'a job put back without a delay is handed out again at once': [
      'puts back a second late',
      'drops jobs that are put back',
    ],
    'a job put back for later is handed out again, and not before its time': [
      'ignores until when a job is put back',
      'puts back a little early',
    ],
    'a job put back is handed out to a reserve that waits': ['drops jobs that are put back', 'never wakes a reserve'],
    'a job put back for a far time stays away, and holds up no other': [
      'fires long timers of jobs put back at once',
      'holds others up behind a delayed job',
    ],
    'what is completed can’t be settled again': ['says yes to every settlement'],
    'what is failed can’t be settled again': ['says yes to every settlement'],
    'what is expired can’t be settled again': ['says yes to every settlement'],
    'what was put back can’t be settled by the old delivery': ['settles by the id of the job'],
    'of two settlements at the same time one counts': ['says yes to a settlement before it looks'],
    'a receipt that was never given settles and renews nothing': [
      'settles by the id of the job',
      'renews what was settled',
    ],
    'settling one delivery leaves the others alone': ['settles the whole batch'],
    'many deliveries settle at the same time, in any order': [
      'loses settlements that come at the same time',
      'says no to settlements that counted',
      'never answers a settlement',
    ],
  },
  attempts: {
    'each delivery that failed counts': [
      'never counts attempts',
      'counts attempts from 0',
      'charges nothing that comes back',
    ],
    'a delivery given back costs no attempt': ['charges what is given back'],
    'failed and given back deliveries add up': ['charges what is given back', 'charges nothing that comes back'],
    'attempts used up elsewhere count': ['ignores attempts used up elsewhere'],
    'each job has attempts of its own': ['counts attempts for the whole queue'],
    'a new job of a free id starts afresh': ['remembers the attempts of a freed id'],
    'failures come back with their job': [
      'forgets failures',
      'keeps the last failure only',
      'mangles the text of failures',
    ],
    'a backend without history gives no failures': ['keeps failures though its traits say no'],
  },
  leasing: {
    'nobody else gets a leased job': ['leases nothing', 'hands each job to two workers'],
    'a lease lasts as long as traits.leaseMs says': [
      'lets leases lapse at half their length',
      'lets leases lapse at nine tenths of their length',
    ],
    'a job whose lease lapses is handed out again, and the attempt counts': [
      'lets no lease lapse',
      'counts attempts only when they are settled',
    ],
    'a lease lapses for a reserve that waits already': ['looks for due jobs only when something is published'],
    'a lease lapses while nobody reserves': ['lets no lease lapse', 'gives a lapsed job without its payload'],
    'a lease that is renewed outlasts several lengths': ['renews once', 'renews nothing'],
    'renewing begins a whole lease': ['says that it renews, and does not'],
    'a lease that is renewed no more lapses': ['renews for ever', 'lets leases lapse at twice their length'],
    'each delivery has a lease of its own': ['renews all that a worker holds'],
    'an old delivery neither settles nor renews what another holds': [
      'settles by the id of the job',
      'renews what was settled',
    ],
    'renewing what was settled is refused': ['renews what was settled'],
    'who listens for the loss of a lease hears of it once, and of no other end': [
      'says that each lease was lost',
      'calls a settled lease lost',
      'tells twice that a lease was lost',
      'tells no one who listens late that a lease was lost',
    ],
    'each delivery has a receipt of its own': ['gives the id for a receipt'],
  },
};
