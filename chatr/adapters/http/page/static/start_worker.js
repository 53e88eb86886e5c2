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

  // A page that missed more than `maxMissed` messages shows the newest ones; its reader can scroll back. After two connections in a
  // row that were lost soon, the next ones are opened `spacing` milliseconds apart.
  globalThis.streamOptions = { resumeQuery: { maxMissed: 1_000 }, retry: 2_000, spacing: 60_000, usesEventSource: true };

  try {
    globalThis.startedStreamWorker = startStreamWorker();
    // The first messages arrive while the modules are loaded. A tab with a key joins once more, with the key.
    startedStreamWorker.port.postMessage({ join: { key: "", options: streamOptions, last: null } });
  } catch {}
})();
