/** Which faults each scenario of records, and of jobs that give way to the next, has to catch. */
export const caughtRecords: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  replacing: {
    'a message stands in the place of its job, with all that it says': [
      'drops what takes a job’s place',
      'replaces the payload only',
      'leaves the job that was replaced',
    ],
    'what takes a job’s place starts afresh: its first attempt, without failures': [
      'goes on counting the attempts of what was replaced',
      'keeps the failures of what was replaced',
    ],
    'attempts that the message has used up count': ['forgets the attempts that a replacing message has used up'],
    'what takes a job’s place waits until it is due': ['forgets the delay of what takes a job’s place'],
    'what takes a job’s place waits as the newest among its equals': [
      'puts what takes a job’s place before its equals',
      'serves the last first',
    ],
    'what takes a job’s place is served by a priority of its own': ['keeps the priority of what was replaced'],
    'a waiting reserve of another worker is given it at once': ['wakes only reserves of the publishing worker'],
    'the id stays taken until what took the place is settled': ['frees the id of a job that is replaced'],
    'an id that the core made is taken by what took its job’s place': ['frees the id of a job that is replaced'],
    'nothing takes the place of what was settled before': [
      'replaces what is held no more',
      'says yes to every settlement',
    ],
    'nothing takes the place of what another holds': ['replaces what is held no more', 'settles by the id of the job'],
    'a delivery whose job was replaced neither settles nor renews what took its place': [
      'settles by the id of the job',
      'says yes to every settlement',
    ],
    'a worker that dies right after leaves what took the place, and that alone': [
      'leaves the lease on the job that was replaced',
      'settles a while later',
    ],
    'of replacing and completing at the same time one counts': ['says yes to a settlement before it looks'],
    'many are replaced at the same time': ['loses settlements that come at the same time'],
    'a job may be replaced again and again, among workers': [
      'goes on counting the attempts of what was replaced',
      'leaves the job that was replaced',
    ],
  },
  records: {
    'a key that was never set has none': ['makes up records', 'says of each delete that it removed'],
    'what one worker sets, all are given, and those that come later': [
      'forgets records',
      'gives each worker records of its own',
    ],
    'the last that was set counts, whoever set it': [
      'keeps the first text of a key',
      'gives each worker records of its own',
    ],
    'of texts set at the same time one is there, whole': ['mixes texts that are set at the same time'],
    'many keys are set and got at the same time': ['loses what is set at the same time'],
    'a record is no job': ['hands records out as jobs'],
    'a record tells when its time ends': [
      'tells the end of a record in seconds',
      'tells the beginning of a record for its end',
    ],
    'a record is there until its time is over, and not a moment longer': [
      'ends records early',
      'keeps records a little longer',
      'keeps records for ever',
    ],
    'a key is free again after the time of its record': ['keeps records for ever', 'keeps records a little longer'],
    'what is set anew has a time of its own': ['keeps the time that a key was first given'],
    'keys may be any text of up to 1,000 bytes, and none is taken for another': [
      'takes keys for file names',
      'takes keys without their case',
      'takes keys without their accents’ form',
      'cuts keys',
    ],
    'odd texts come back as they were': [
      'repairs lone surrogates in records',
      'ends records at NUL',
      'takes an empty text for none',
    ],
    'a long text comes back whole': ['truncates records at 64 KB'],
    'records outlive all workers': ['forgets records when the last worker closes'],
  },
  claiming: {
    'a claim of a key without a record stores': ['claims nothing'],
    'a claim of a key that has a record tells that one, and changes nothing': [
      'overwrites what it claims in vain',
      'makes last longer what it claims in vain',
      'tells who claims in vain his own text',
    ],
    'of four that claim a key at the same time, on two workers, one stores': [
      'looks for a record and claims its key in two steps',
      'gives each worker records of its own',
    ],
    'of four that claim a key whose time has just ended, one stores': ['takes an ended record over in two steps'],
    'what is deleted is gone, and its key is free': ['deletes nothing', 'says of each delete that it removed'],
    'a swap stores where the record has the text that it expects, and changes nothing else': [
      'swaps whatever the text',
    ],
    'a swap for the same text prolongs its time': ['swaps no text for itself'],
    'a swap that meets a record whose time is over stores nothing': ['swaps whatever the text'],
    'of four that swap a text at the same time, on two workers, one stores': [
      'looks for a record and swaps it in two steps',
    ],
    'of a swap and a delete that name one text at the same time, one does its work': [
      'looks for a record and swaps it in two steps',
    ],
    'a delete that names a text removes that text only': ['deletes whatever the text', 'takes no text for any text'],
    'of four that delete a record at the same time, one has removed it': [
      'looks for a record and deletes it in two steps',
    ],
    'a lock that is claimed, deleted by its text and claimed again is held by one': [
      'looks for a record and claims its key in two steps',
      'deletes nothing',
    ],
  },
  watching: {
    'who watches a key is told of each set, by whichever worker': [
      'tells nobody who watches',
      'tells only of what its own worker sets',
      'tells only of what another worker sets',
      'tells once',
    ],
    'who is told finds what was set': ['tells before it stores'],
    'a worker may watch several keys': ['watches one key at a time'],
    'a key may have several watchers; one that ends leaves the others': [
      'has one watcher for a key',
      'ends all watchers of a key with one',
    ],
    'the same listener may watch twice, and ends each by itself': ['takes two watches of one listener for one'],
    'who has ended watching is told no more': ['goes on telling who has ended'],
    'no set is missed between watching and looking': ['begins to watch a while later', 'tells nobody who watches'],
    'who watches goes on to be told after the time of a record has ended': [
      'watches until the time of the record ends',
    ],
    'close ends all watching': ['goes on telling after it was closed', 'hangs at close while a key is watched'],
    'a closed watch leaves nothing open that would keep a process alive': ['leaves a timer for each watch'],
  },
  elsewhere: {
    'what another thread opens by what the backend says, as data, are the same records': [
      'opens other records elsewhere',
      'says of its records elsewhere what is no data',
    ],
    'what another thread has opened takes no job, and is closed by itself': [
      'takes jobs where its records are opened elsewhere',
      'closes its own records with those elsewhere',
    ],
  },
  letters: {
    'a letter reaches the worker that has its address, whoever sends it': [
      'sends letters nowhere',
      'sends letters to its own worker only',
      'never has an address',
      'has another address each time',
    ],
    'a letter reaches no other worker, and nobody under another key': [
      'sends letters to all',
      'takes keys of letters without their case',
    ],
    'odd keys, odd texts and a long one come as they were': [
      'repairs lone surrogates in letters',
      'truncates letters at 64 KB',
    ],
    'many letters that are sent at the same time are all heard': ['loses letters that are sent at the same time'],
    'several may hear a key, the same listener twice; who has ended hears no more': [
      'has one who hears a key',
      'goes on with letters to who has ended',
    ],
    'a letter that goes along with a job is heard like another, and the job is settled after it': [
      'loses letters that go along with a job',
    ],
    'a letter under a key that nobody hears becomes a record': ['drops letters that nobody hears'],
    'a letter to one who is gone, or never was, is no fault': [
      'refuses letters to who is gone',
      'keeps letters for who comes to hear',
    ],
    'close ends all hearing, and leaves nothing open': [
      'hears letters after it was closed',
      'leaves a timer for each who hears',
    ],
  },
};
