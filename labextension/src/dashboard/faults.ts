/** Which faults of the library fit where. */

import type {
  EnvironmentStatus,
  FaultDescription,
  FaultLink
} from '../api/types';

/** What a fault can be put on here: a service's name, or a link. */
export type Place = { service: string } | { link: FaultLink };

export function places(
  fault: FaultDescription,
  status: EnvironmentStatus
): readonly Place[] {
  const fits = (name: string): boolean => {
    const service = status.services.find(each => each.name === name);
    return (
      service !== undefined &&
      (fault.kinds.length === 0 || fault.kinds.includes(service.kind)) &&
      (fault.replica ?? Boolean(service.replica_of)) ===
        Boolean(service.replica_of)
    );
  };
  return fault.target === 'link'
    ? status.links
        .filter(link => link.marked)
        .map(link => ({ link: { source: link.source, target: link.target } }))
    : status.services
        .filter(({ name }) => fits(name))
        .map(({ name }) => ({ service: name }));
}

/** `db`, or `app → db`. */
export function placeName(place: {
  service?: string | null;
  link?: FaultLink | null;
}): string {
  return place.link
    ? `${place.link.source} → ${place.link.target}`
    : (place.service ?? '');
}
