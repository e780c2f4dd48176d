import type { EnvironmentStatus, FaultDescription } from '../../src/api/types';
import { placeName, places } from '../../src/dashboard/faults';
import {
  fieldsOf,
  initialOf,
  problemsOf,
  valuesOf
} from '../../src/dashboard/schema';
import {
  customOf,
  outline,
  shapeOf,
  shapeProblems,
  shares,
  withMode,
  type IShape,
  type IProfileDocument
} from '../../src/dashboard/shape';

const BROWSE: IProfileDocument = {
  description: 'customers',
  mode: 'closed',
  connections: 60,
  duration_s: 15,
  timeout_s: 30,
  mix: [
    { name: 'list', weight: 3, path: '/products?c={c}' },
    { name: 'buy', path: '/orders', method: 'POST', body: { id: '{c}' } }
  ],
  parameters: { c: { integer: { from: 1, to: 9 } } }
};

function stage(seconds: string, level: string): Partial<IShape> {
  return { stages: [{ seconds, level, ramp: false }] };
}

describe('a traffic shape', () => {
  test('begins as the profile is, and changes nothing where nothing is changed', () => {
    expect(customOf(BROWSE, shapeOf(BROWSE))).toEqual({
      mode: 'closed',
      connections: 60,
      duration_s: 15,
      timeout_s: 30,
      mix: [
        { name: 'list', weight: 3, path: '/products?c={c}' },
        {
          name: 'buy',
          weight: 1,
          path: '/orders',
          method: 'POST',
          body: { id: '{c}' }
        }
      ],
      parameters: BROWSE['parameters']
    });
  });

  test('several stages take the place of the one level', () => {
    const shape = shapeOf(BROWSE);
    const made = customOf(BROWSE, {
      ...shape,
      stages: [{ seconds: '5', level: '10', ramp: true }, ...shape.stages]
    });
    expect(made.stages).toEqual([
      { duration_s: 5, connections: 10, ramp: true },
      { duration_s: 15, connections: 60, ramp: false }
    ]);
    expect(made).not.toHaveProperty('connections');
    expect(made).not.toHaveProperty('duration_s');
    expect(customOf(made, shapeOf(made))).toEqual(made);
  });

  test('an open loop has rates and arrivals, and no connections', () => {
    const open = withMode(shapeOf(BROWSE), 'open');
    const made = customOf(BROWSE, open);
    expect(made).toMatchObject({ mode: 'open', rate: 50, arrivals: 'poisson' });
    expect(made).not.toHaveProperty('connections');
    const back = customOf(BROWSE, withMode(open, 'closed'));
    expect(back).not.toHaveProperty('arrivals');
    expect(back).not.toHaveProperty('rate');
  });

  test('a request without a weight is not asked for', () => {
    const shape = { ...shapeOf(BROWSE), mix: { list: '1', buy: '0' } };
    expect(customOf(BROWSE, shape).mix?.map(({ name }) => name)).toEqual([
      'list'
    ]);
    expect(shares(shape)).toEqual({ list: 1, buy: 0 });
  });

  test.each<[string, Partial<IShape>, string]>([
    ['no length', stage('0', '5'), 'seconds 0'],
    ['no number', stage('5', 'many'), 'level 0'],
    ['nothing typed', stage('5', ' '), 'level 0'],
    ['half a client', stage('5', '1.5'), 'level 0'],
    ['too many', stage('5', '2001'), 'level 0'],
    ['too long', stage('601', '5'), 'stages'],
    ['no traffic', stage('5', '0'), 'stages'],
    ['no mix', { mix: { list: '0', buy: '0' } }, 'mix'],
    ['a negative weight', { mix: { list: '-1', buy: '1' } }, 'mix list']
  ])('%s is said beside its field', (_, change, where) => {
    const problems = shapeProblems({ ...shapeOf(BROWSE), ...change });
    expect(problems[where]).toBeTruthy();
    expect(shapeProblems(shapeOf(BROWSE))).toEqual({});
  });

  test('a weight that is too large is told how large it may be', () => {
    const mix = { list: '1000001', buy: '1' };
    const problems = shapeProblems({ ...shapeOf(BROWSE), mix });
    expect(problems['mix list']).toBe('A weight from 0 to 1000000.');
  });

  test('its outline goes through every stage', () => {
    const shape = {
      ...shapeOf(BROWSE),
      stages: [
        { seconds: '10', level: '20', ramp: true },
        { seconds: '5', level: '40', ramp: false }
      ]
    };
    expect(outline(shape)).toEqual([
      [0, 0],
      [10, 20],
      [10, 40],
      [15, 40]
    ]);
  });
});

describe('a form from a JSON schema', () => {
  const fields = fieldsOf({
    type: 'object',
    required: ['delay_ms', 'mode'],
    properties: {
      delay_ms: {
        type: 'number',
        title: 'Delay',
        default: 200,
        exclusiveMinimum: 0,
        maximum: 1e4
      },
      count: {
        anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }],
        default: null
      },
      mode: { enum: ['both', 'there'] },
      hard: { type: 'boolean', default: false },
      note: { type: 'string' }
    }
  });
  const typed = initialOf(fields);

  test('has a field for each argument, with its default', () => {
    expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
      ['delay_ms', 'number'],
      ['count', 'integer'],
      ['mode', 'choice'],
      ['hard', 'boolean'],
      ['note', 'text']
    ]);
    expect(typed).toEqual({
      delay_ms: '200',
      count: '',
      mode: 'both',
      hard: 'false',
      note: ''
    });
    expect(problemsOf(fields, typed)).toEqual({});
    expect(valuesOf(fields, typed)).toEqual({
      delay_ms: 200,
      mode: 'both',
      hard: false
    });
  });

  test.each([
    ['delay_ms', ''],
    ['delay_ms', 'slow'],
    ['delay_ms', '0'],
    ['delay_ms', '10001'],
    ['count', '1.5'],
    ['count', '0'],
    ['mode', 'sideways']
  ])('%s = "%s" is said to be wrong', (name, text) => {
    expect(problemsOf(fields, { ...typed, [name]: text })).toHaveProperty(name);
  });

  test.each([{}, { properties: 3 }, { properties: { a: 1 } }])(
    'a schema without properties has no fields: %j',
    schema => {
      expect(fieldsOf(schema)).toEqual([]);
    }
  );
});

test('a fault is offered where it fits', () => {
  const status = {
    services: [
      { name: 'app', kind: 'python' },
      { name: 'db', kind: 'postgres' },
      { name: 'replica', kind: 'postgres', replica_of: 'db' }
    ],
    links: [
      { source: 'lb', target: 'app', marked: false },
      { source: 'app', target: 'db', marked: true }
    ]
  } as unknown as EnvironmentStatus;
  const fault = (rest: Partial<FaultDescription>): FaultDescription =>
    ({ kinds: [], target: 'service', ...rest }) as FaultDescription;
  const names = (rest: Partial<FaultDescription>): string[] =>
    places(fault(rest), status).map(placeName);
  const database: Partial<FaultDescription> = {
    target: 'database',
    kinds: ['postgres']
  };
  expect(names({})).toEqual(['app', 'db', 'replica']);
  expect(names(database)).toEqual(['db', 'replica']);
  expect(names({ ...database, replica: true })).toEqual(['replica']);
  expect(names({ ...database, replica: false })).toEqual(['db']);
  expect(names({ target: 'link' })).toEqual(['app → db']);
  expect(names({ target: 'cache', kinds: ['valkey'] })).toEqual([]);
});
