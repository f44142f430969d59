/** Which faults each scenario of answers has to catch. */
export const caughtResults: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  results: {
    'who waits for a job is given what its handler returned': ['tells nobody who watches', 'forgets records'],
    'a call gives what a handler in another worker returned': [
      'gives each worker records of its own',
      'tells only of what its own worker sets',
    ],
    'a failed job answers with the error of its handler': ['forgets records', 'drops failed jobs'],
    'an expired job answers that it has': ['forgets records', 'drops the expiration'],
    'a job that is blocked and retried answers when it has ended': ['drops headers', 'drops jobs that are put back'],
    'several wait for one job, in several workers': [
      'gives each worker records of its own',
      'tells only of what its own worker sets',
    ],
    'who asks after the job’s end is answered as long as the result is kept': [
      'ends records early a lot',
      'keeps records for ever',
    ],
    'who waits in vain is told so in time, and may wait again': ['drops headers', 'makes up answers'],
    'who calls in vain may ask again, by the id that he is told': ['drops letters that nobody hears'],
    'a worker that dies while it handles makes for a later answer': ['lets no lease lapse'],
    'a worker that dies between its answer and its settlement makes for another answer, never for none': [
      'keeps the first text of a key',
      'lets no lease lapse',
    ],
    'progress and log lines reach who follows a job in another worker': [
      'gives each worker records of its own',
      'keeps the first text of a key',
    ],
    'a large result comes back whole, or fails its job, with the reason told': ['truncates records at 64 KB'],
    'an id used again is not answered by the job that had it before': ['drops headers', 'drops stamps of answers'],
  },
};
