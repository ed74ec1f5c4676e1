// A TimescaleDB for tests: PostgreSQL with TimescaleDB compiled to WebAssembly (PGlite), kept in
// memory and served on a loopback port to any ordinary PostgreSQL client, whatever its user and
// password.
//
//   node server.mjs [PORT [FOLDER]]   0 or nothing: a free port. Prints "ready PORT" once it can be
//                                     used. FOLDER: keep it there, for more than memory holds.
//
// It ends on SIGTERM and when its standard input closes. There is one PostgreSQL session inside, so
// clients are served one after the other, and each finds that session as fresh as a new connection
// would be. `COPY … FROM STDIN` is refused. Written for psycopg2, which sends simple queries only.
import net from "node:net";
import v8 from "node:v8";
import { Worker } from "node:worker_threads";

// Whoever started us holds the other end of standard input, which closes when they die, however
// they die. The watch is a thread because a running query blocks the main one. For the same reason
// SIGTERM keeps its default action.
const watchParent = `
  const { readSync } = require('node:fs')
  const buffer = Buffer.alloc(64)
  try { while (readSync(0, buffer) > 0); } catch {}
  process.kill(process.pid, 'SIGTERM')`;
new Worker(watchParent, { eval: true }).unref();

// The optimising compiler spends two cores and 500 MB on code that a test runs once. This has to be
// said before any WebAssembly is compiled.
v8.setFlagsFromString("--liftoff-only");
const { PGlite } = await import("@electric-sql/pglite");
const { timescaledb } = await import("@electric-sql/pglite/timescaledb");

const DATABASES = ["template1", "postgres"]; // both lead to template1; PGlite cannot create others
// What the last client left behind goes; then what PGlite's command line sets is put back to the
// defaults of PostgreSQL.
const FRESH_SESSION = [
  "ROLLBACK",
  "DISCARD ALL",
  'SET search_path TO "$user", public',
  "SET enable_seqscan TO on",
  "SET client_min_messages TO notice",
  "SET log_min_messages TO fatal",
  "SET allow_system_table_mods TO off",
  "SET exit_on_error TO off",
];
// What PostgreSQL tells every client at the start: drivers read encoding, time zone and version.
const REPORTED = [
  "server_version",
  "server_encoding",
  "client_encoding",
  "application_name",
  "is_superuser",
  "session_authorization",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "integer_datetimes",
  "standard_conforming_strings",
];
const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const CLIENT_VANISHED = ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"];

const db = await PGlite.create({ dataDir: process.argv[3], extensions: { timescaledb } });

// --- the protocol's messages: one letter, a length that counts itself, a body --------------------

function message(letter, body = Buffer.alloc(0)) {
  const head = Buffer.alloc(5);
  head.write(letter, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function refusal(code, text) {
  return message("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
}

// The network's chunks know nothing of messages. The messages before the session have no letter.
async function* messages(socket) {
  let buffered = Buffer.alloc(0);
  let lettered = 0;
  for await (const chunk of socket) {
    buffered = buffered.length ? Buffer.concat([buffered, chunk]) : chunk;
    while (buffered.length >= 4 + lettered) {
      const length = buffered.readInt32BE(lettered) + lettered;
      if (buffered.length < length) break;
      const whole = buffered.subarray(0, length);
      buffered = buffered.subarray(length);
      if (!lettered && ![SSL_REQUEST, GSSENC_REQUEST].includes(whole.readInt32BE(4))) lettered = 1;
      yield whole;
    }
  }
}

function startupSettings(startup) {
  const words = startup.subarray(8).toString().split("\0");
  const settings = {};
  for (let i = 0; i + 1 < words.length && words[i]; i += 2) settings[words[i]] = words[i + 1];
  const { user, database = user, options = "", replication, ...rest } = settings;
  for (const [, name, value] of options.matchAll(/(?:-c\s*|--)([\w.]+)=((?:\\.|\S)*)/g)) {
    rest[name] = value.replaceAll(/\\(.)/g, "$1");
  }
  return { database, settings: rest };
}

// --- one client ----------------------------------------------------------------------------------

async function greet(startup) {
  const { database, settings } = startupSettings(startup);
  if (!DATABASES.includes(database)) {
    return refusal("3D000", `database "${database}" does not exist`);
  }
  // Each on its own: several at once are one transaction, in which DISCARD ALL refuses to run.
  for (const statement of FRESH_SESSION) await db.exec(statement);
  try {
    for (const [name, value] of Object.entries(settings)) {
      await db.query("SELECT set_config($1, $2, false)", [name, value]);
    }
  } catch (error) {
    return refusal(error.code ?? "XX000", error.message);
  }
  const { rows } = await db.query(
    "SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name",
    [REPORTED],
  );
  return Buffer.concat([
    message("R", Buffer.alloc(4)),
    ...rows.map(({ name, value }) => message("S", Buffer.from(`${name}\0${value}\0`))),
    message("K", Buffer.alloc(8)),
    message("Z", Buffer.from("I")),
  ]);
}

// PGlite dies of data that its client sends after the query. An error raised in the query's place
// leaves the transaction as a refused query does.
const COPY_REFUSED = message(
  "Q",
  Buffer.from(`DO $$BEGIN
  RAISE 'this test server cannot do COPY FROM STDIN' USING ERRCODE = 'feature_not_supported';
END$$\0`),
);

function answerable(request) {
  const isQuery = request[0] === "Q".charCodeAt();
  const isCopy = isQuery && /^\s*copy\s[^;]*\sfrom\s+stdin\b/i.test(request.toString("latin1", 5));
  return isCopy ? COPY_REFUSED : request;
}

async function serve(socket, requests, startup) {
  socket.write(await greet(startup));
  for await (const request of requests) {
    if (request[0] === "X".charCodeAt()) break; // the client says goodbye
    const options = { throwOnError: false, syncToFs: false };
    const { data } = await db.execProtocol(answerable(request), options);
    socket.write(Buffer.from(data)); // a copy: PGlite uses its buffer again for the next answer
  }
}

let previous = Promise.resolve();

async function handle(socket) {
  socket.setNoDelay(true);
  const requests = messages(socket);
  let startup;
  while ((startup = (await requests.next()).value)) {
    const code = startup.readInt32BE(4);
    if (code === CANCEL_REQUEST) return; // nothing to cancel: while a query runs we hear nobody
    if (code !== SSL_REQUEST && code !== GSSENC_REQUEST) break;
    socket.write("N");
  }
  if (!startup) return;
  const turn = previous;
  let done;
  previous = new Promise((resolve) => {
    done = resolve;
  });
  await turn;
  try {
    if (!socket.destroyed && !socket.readableEnded) await serve(socket, requests, startup);
  } finally {
    done();
  }
}

const server = net.createServer((socket) => {
  socket.on("error", () => {}); // a client that vanished; its requests simply end
  handle(socket)
    .catch((error) => {
      if (CLIENT_VANISHED.includes(error.code)) return;
      // Anything else has left PostgreSQL in an unknown state: no later answer could be trusted.
      console.error(error);
      process.kill(process.pid, "SIGTERM"); // process.exit() would wait for the thread above
    })
    .finally(() => socket.end());
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`ready ${server.address().port}`);
});
