// Starts the worker that holds the stream for all tabs. A classic script, not a module: the worker is ready when the modules are.

(() => {
  // Tabs of another version of the page have another worker, because its name differs.
  const options = { type: "module", name: document.documentElement.dataset.version };
  const createScriptURL = () => new URL("stream_worker.js", script).href;
  const script = document.currentScript.src;
  let policy;

  // Throws where there are no such workers, or where storage is forbidden.
  globalThis.startStreamWorker = () => {
    // The page's policy allows this one script as a worker.
    policy ??= globalThis.trustedTypes?.createPolicy("stream-worker", { createScriptURL }) ?? { createScriptURL };
    const worker = new SharedWorker(policy.createScriptURL(""), options);
    worker.onerror = () => (worker.hasFailed = true);
    return worker;
  };

  try {
    globalThis.startedStreamWorker = startStreamWorker();
  } catch {}
})();
