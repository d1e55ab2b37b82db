/** Attaches behaviour to `[data-module="name other"]`. */

export type Mount = (root: HTMLElement) => unknown;

const mounted = new WeakMap<HTMLElement, Set<string>>();

/** Mounts every module found under `scope`, once per element, also after a partial page update. */
export function mountAll(registry: Readonly<Record<string, Mount>>, scope: ParentNode = document): void {
  const roots = [...scope.querySelectorAll<HTMLElement>("[data-module]")];
  if (scope instanceof HTMLElement && scope.dataset["module"]) roots.unshift(scope);
  for (const root of roots) {
    for (const name of (root.dataset["module"] ?? "").split(/\s+/).filter(Boolean)) mountOne(registry, name, root);
  }
}

function mountOne(registry: Readonly<Record<string, Mount>>, name: string, root: HTMLElement): void {
  const names = mounted.get(root) ?? new Set<string>();
  if (names.has(name)) return;
  const mount = registry[name];
  if (!mount) return console.error(`no module "${name}"`);
  mounted.set(root, names.add(name));
  // One broken module must not keep the others from starting.
  Promise.resolve()
    .then(() => mount(root))
    .catch((error: unknown) => reportError(error));
}
