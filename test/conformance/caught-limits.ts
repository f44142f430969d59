/** Which faults each scenario of what waits, and of rates, has to catch. */
export const caughtLimits: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  limits: {
    'what waits is counted: delayed jobs too, active, failed and ended ones not': [
      'does not count delayed jobs',
      'counts what it published itself alone',
    ],
    'what a worker publishes, it counts at once': ['counts a job late', 'says that nothing waits'],
    'what others publish and take is counted': ['counts what it published itself alone', 'says that very much waits'],
    'jobs of other queues don’t count': ['counts all queues'],
    'bytes are those of all that waits, delayed jobs too': ['counts jobs for bytes'],
    'bytes of many jobs are those of all': ['counts the bytes of a thousand jobs at most'],
    'what was stored first is dropped first, whatever its priority': [
      'drops the most urgent first',
      'drops more than asked for',
    ],
    'delayed jobs are dropped last': ['drops delayed jobs first'],
    'what is active or has failed is never dropped': ['drops what is active'],
    'a dropped job is told by its id and its name, and its id is free': ['keeps the ids of what it drops'],
    'of several who drop at the same time, each gives its own': ['tells what others have dropped'],
    'a queue takes as many as its limit, and more once there is room': [
      'says that nothing waits',
      'says that very much waits',
    ],
    'who waits for room publishes once there is some': ['says that very much waits'],
    'a queue that drops the oldest keeps the latest': ['says that nothing waits'],
    'a job that is dropped for others frees its unique key': ['tells nothing of what it drops but its id'],
    'who waits for the result of a job that is dropped for others is told': [
      'tells nothing of what it drops but its id',
    ],
    'a job that has waited longer than its queue allows is never handled': [
      'takes the hand-out for the time of publishing',
    ],
  },
  rates: {
    'two workers share the rate of a queue, and no attempt is counted': ['lets every worker claim every key'],
    'two workers share the rate of a handler, and no attempt is counted': ['lets every worker claim every key'],
    'a rate that another has used up is kept by one who comes later': ['lets every worker claim every key'],
  },
};
