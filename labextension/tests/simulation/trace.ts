/** Small traces, written by hand. */

/** Two acceptors; the first accepts red, and knows that it is chosen; a sealed message comes. */
export const CHOICE = lines(
  { kind: 'header', format: 1, seed: 1 },
  { t: 0, kind: 'started', node: 1, cause: 0 },
  state(0, 1, { state: 'up', timers: {}, probe: acceptor(0) }),
  state(0, 2, { state: 'up', timers: {}, probe: acceptor(0) }),
  message(1000, 5, 2, 1, {
    type: 'Sealed',
    by: 2,
    body: { type: 'Prepare', view: 3, digest: 'd6c4420c' },
    seal: '43dd4574'
  }),
  {
    t: 1000,
    kind: 'accepted',
    node: 1,
    cause: 5,
    words: 'accepts red in ballot 2.1, slot 1',
    notable: true
  },
  state(1000, 1, {
    probe: {
      promised: { type: 'Ballot', round: 2, server: 1 },
      accepted: {
        '1': {
          type: 'Proposal',
          ballot: { type: 'Ballot', round: 2, server: 1 },
          value: 'red'
        }
      },
      chosen: { '1': 'red' }
    }
  }),
  {
    t: 2000,
    kind: 'end',
    outcome: { status: 'passed', violation: null, events: 1, sent: 1 }
  }
);

function acceptor(round: number): object {
  return {
    role: 'acceptor',
    promised: { type: 'Ballot', round, server: 0 },
    accepted: {},
    chosen: {}
  };
}

/** Three servers; S1 asks for votes, S2 agrees, what S3 is asked gets lost; S2 crashes at the end. */
export const ELECTION = lines(
  { kind: 'header', format: 1, seed: 1 },
  { t: 0, kind: 'started', node: 1, cause: 0 },
  state(0, 1, { state: 'up', timers: { election: 1000 }, probe: server() }),
  state(0, 2, { state: 'up', timers: { election: 9000 }, probe: server() }),
  state(0, 3, { state: 'up', timers: { election: 9500 }, probe: server() }),
  { t: 1000, id: 4, node: 1, cause: 0, kind: 'timer', name: 'election' },
  send(1000, 5, 1, 2, 1, { type: 'RequestVote', term: 1 }),
  send(1000, 6, 1, 3, 0, { type: 'RequestVote', term: 1 }),
  state(1000, 1, {
    timers: { election: 12000 },
    probe: { role: 'candidate', term: 1, voted_for: 1 }
  }),
  { t: 1000, kind: 'voted', node: 1, cause: 4, for: 1, term: 1 },
  message(3000, 5, 1, 2, { type: 'RequestVote', term: 1 }),
  send(3000, 7, 2, 1, 1, { type: 'Vote', term: 1, granted: true }),
  state(3000, 2, { probe: { term: 1, voted_for: 1 } }),
  message(4000, 7, 2, 1, { type: 'Vote', term: 1, granted: true }),
  { t: 4000, kind: 'elected', node: 1, cause: 7, term: 1 },
  state(4000, 1, {
    probe: {
      role: 'leader',
      log: { keep: 0, add: [{ type: 'Entry', term: 1, command: null }] }
    }
  }),
  send(4000, 8, 1, 2, 1, { type: 'AppendEntries', term: 1, entries: [] }),
  {
    t: 5000,
    kind: 'fault',
    node: null,
    cause: 1,
    fault: 'isolate',
    nodes: [3]
  },
  {
    t: 5000,
    kind: 'cuts',
    node: null,
    links: [
      [3, 1],
      [1, 3]
    ]
  },
  { t: 5500, kind: 'fault', node: null, cause: 2, fault: 'crash', nodes: [2] },
  { t: 5500, kind: 'crashed', node: 2, cause: 2 },
  state(5500, 2, { state: 'down', timers: {}, probe: null }),
  { t: 6000, kind: 'missed', node: 2, cause: 4, event: 8 },
  {
    t: 8000,
    kind: 'end',
    outcome: {
      status: 'failed',
      violation: {
        rule: { title: 'One vote', words: 'Once a term.', source: '§5.2' },
        why: 'S2 votes twice',
        nodes: [2]
      }
    }
  }
);

function server(): object {
  return { role: 'follower', term: 0, voted_for: null, commit: 0, log: [] };
}

function state(t: number, node: number, changed: object): object {
  return { t, kind: 'state', node, cause: 0, ...changed };
}

function send(
  t: number,
  id: number,
  node: number,
  dst: number,
  arrivals: number,
  content: object
): object {
  return {
    t,
    id,
    kind: 'send',
    node,
    dst,
    number: 1,
    arrivals,
    message: content
  };
}

function message(
  t: number,
  id: number,
  src: number,
  node: number,
  content: object
): object {
  return { t, id, kind: 'message', src, node, cause: 0, message: content };
}

export function lines(...all: readonly object[]): string {
  return all.map(line => `${JSON.stringify(line)}\n`).join('');
}
