import { arrange, layers, NODE } from '../../src/dashboard/layout';

const SHOP = ['clients', 'db', 'cache', 'app1', 'app2', 'lb'];
const LINKS = [
  { source: 'clients', target: 'lb' },
  { source: 'lb', target: 'app1' },
  { source: 'lb', target: 'app2' },
  { source: 'app1', target: 'db' },
  { source: 'app1', target: 'cache' },
  { source: 'app2', target: 'db' },
  { source: 'app2', target: 'cache' }
];

test('services stand in layers from those who ask to those who answer', () => {
  expect(layers(SHOP, LINKS)).toEqual([
    ['clients'],
    ['lb'],
    ['app1', 'app2'],
    ['db', 'cache']
  ]);
});

test('a link past a layer does not pull its target forward', () => {
  const links = [...LINKS, { source: 'lb', target: 'db' }];
  expect(layers(SHOP, links).at(-1)).toEqual(
    expect.arrayContaining(['db', 'cache'])
  );
});

test('services stand where those stand that ask them', () => {
  const names = ['clients', 'lb', 'a', 'b', 'x', 'y'];
  const links = [
    { source: 'clients', target: 'lb' },
    { source: 'lb', target: 'a' },
    { source: 'lb', target: 'b' },
    { source: 'a', target: 'y' },
    { source: 'b', target: 'x' }
  ];
  expect(layers(names, links).at(-1)).toEqual(['y', 'x']);
});

test('a circle of links ends', () => {
  const links = [
    { source: 'clients', target: 'a' },
    { source: 'a', target: 'b' },
    { source: 'b', target: 'a' },
    { source: 'b', target: 'b' }
  ];
  expect(layers(['clients', 'a', 'b'], links)).toEqual([
    ['clients'],
    ['a'],
    ['b']
  ]);
});

test('a worker nobody asks stands before whom it asks, one without links in front', () => {
  const names = ['clients', 'app', 'queue', 'worker', 'lone'];
  const links = [
    { source: 'clients', target: 'app' },
    { source: 'app', target: 'queue' },
    { source: 'worker', target: 'queue' }
  ];
  const found = layers(names, links);
  expect(found[0]).toEqual(['clients']);
  expect(found[1]).toEqual(expect.arrayContaining(['app', 'worker', 'lone']));
  expect(found[2]).toEqual(['queue']);
});

test.each([300, 700, 1200])(
  'at %d px nothing overlaps or sticks out',
  width => {
    const picture = arrange(SHOP, LINKS, width);
    expect(picture.places).toHaveLength(SHOP.length);
    picture.places.forEach((place, index) => {
      expect(place.x - NODE.width / 2).toBeGreaterThanOrEqual(0);
      expect(place.x + NODE.width / 2).toBeLessThanOrEqual(width);
      expect(place.y + NODE.height / 2).toBeLessThanOrEqual(
        picture.height + 0.5
      );
      for (const other of picture.places.slice(index + 1)) {
        const apart =
          Math.abs(place.x - other.x) >= NODE.width ||
          Math.abs(place.y - other.y) >= NODE.height;
        expect(`${place.name} ${other.name} ${apart}`).toBe(
          `${place.name} ${other.name} true`
        );
      }
    });
    expect(picture.routes).toHaveLength(LINKS.length);
  }
);

test('layers stand side by side where there is room, else below each other', () => {
  expect(arrange(SHOP, LINKS, 1200).across).toBe(true);
  expect(arrange(SHOP, LINKS, 500).across).toBe(false);
});
