// gRPC's interop cases for a client, in JavaScript: grpc-js, and proto-loader,
// which reads grpc.testing at run time.
//
// Usage: interop.js PROTO_FOLDER CASE...
// The server and the certificates are told by the environment (see run.py).
// Prints a line a case; fails if one did not hold.  The cases are those of
// gRPC's doc/interop-test-descriptions.md.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [PROTO, ...NAMES] = process.argv.slice(2);
const {testing} = grpc.loadPackageDefinition(loader.loadSync(
  'grpc/testing/test.proto', {includeDirs: [PROTO], keepCase: true,
    enums: String, longs: Number, defaults: true})).grpc;

const TIMEOUT_MS = 30000;
const REQUEST_SIZE = 271828;
const RESPONSE_SIZE = 314159;
const SENT = [27182, 8, 1828, 45904];
const RETURNED = [31415, 9, 2653, 58979];
const INITIAL = 'x-grpc-test-echo-initial';
const INITIAL_VALUE = 'test_initial_metadata_value';
const TRAILING = 'x-grpc-test-echo-trailing-bin';
const TRAILING_VALUE = Buffer.from([0xab, 0xab, 0xab]);
const GZIP = {'grpc.default_compression_algorithm': 2};
const NO_COMPRESS = 2;      // of the flags that a message is written with
const {status} = grpc;

function read(variable) {
  return fs.readFileSync(process.env[variable]);
}

function connect(Service = testing.TestService, options = {}) {
  return new Service('127.0.0.1:' + process.env.INTEROP_PORT,
    grpc.credentials.createSsl(read('INTEROP_CA'), read('INTEROP_KEY'),
      read('INTEROP_CERT')),
    {'grpc.use_local_subchannel_pool': 1, ...options});
}

function deadline(ms = TIMEOUT_MS) {
  return {deadline: Date.now() + ms};
}

function zeros(size) {
  return {body: Buffer.alloc(size)};
}

function largeRequest(fields = {}) {
  return {response_size: RESPONSE_SIZE, payload: zeros(REQUEST_SIZE),
    ...fields};
}

function outputRequest(sizes, sent) {
  return {response_parameters: sizes.map((size) => ({size})),
    payload: zeros(sent)};
}

function isPayload({payload}, size) {
  assert.equal(payload.type, 'COMPRESSABLE');
  assert.equal(payload.body.length, size);
  assert.ok(payload.body.every((byte) => byte === 0), 'not zeros');
}

function isAnswered(ended) {
  assert.equal(ended.code, status.OK);
  assert.equal(ended.details, '');
}

// All that becomes of a call, once it is over: its messages, its status, its
// metadata and, for a call with one response, that response.
class Watched {
  constructor() {
    this.messages = [];
    this.waiting = [];
    this.over = new Promise((resolve) => { this.resolve = resolve; });
  }

  watch(call) {
    this.call = call;
    call.on('metadata', (metadata) => { this.initial = metadata; });
    call.on('status', (ended) => {
      this.ended = ended;
      this.tell();
      this.resolve(this);
    });
    call.on('error', () => {});     // 'status' tells it as well
    return this;
  }

  watchStream(call) {
    call.on('data', (message) => {
      this.messages.push(message);
      this.tell();
    });
    return this.watch(call);
  }

  tell() {
    this.waiting.splice(0).forEach((wake) => wake());
  }

  // The next message of a stream; fails if there is none.
  async next() {
    while (this.messages.length === 0) {
      assert.equal(this.ended, undefined, 'the stream is over');
      await new Promise((resolve) => this.waiting.push(resolve));
    }
    return this.messages.shift();
  }

  // The end of a stream whose messages were all taken.
  async end() {
    await this.over;
    assert.deepEqual(this.messages, []);
    isAnswered(this.ended);
    return this;
  }
}

function unary(client, method, request, metadata = new grpc.Metadata()) {
  const watched = new Watched();

  return watched.watch(client[method](request, metadata, deadline(),
    (_, response) => { watched.response = response; })).over;
}

function duplex(client, options = deadline(),
    metadata = new grpc.Metadata()) {
  return new Watched().watchStream(client.FullDuplexCall(metadata, options));
}

// A StreamingInputCall of those messages.
function input(client, requests, options = {}) {
  const watched = new Watched();
  const call = client.StreamingInputCall({...deadline(), ...options},
    (_, response) => { watched.response = response; });

  for (const request of requests)
    call.write(request);
  call.end();
  return watched.watch(call).over;
}

// A StreamingOutputCall: as many responses as asked for, each of its size.
async function output(client, parameters) {
  const call = new Watched().watchStream(client.StreamingOutputCall(
    {response_parameters: parameters}, deadline()));

  await call.over;
  assert.equal(call.messages.length, parameters.length);
  for (const {size} of parameters)
    isPayload(await call.next(), size);
  await call.end();
}

// Each message of a call is compressed if the server is to expect that.
function compressAsExpected(options, nextCall) {
  const call = nextCall(options);
  const send = call.sendMessageWithContext.bind(call);

  call.sendMessageWithContext = (context, message) => send({...context,
    flags: message.expect_compressed.value ? 0 : NO_COMPRESS}, message);
  return call;
}

async function withCompression(act) {
  const client = connect(testing.TestService, GZIP);

  try {
    await act(client);
  } finally {
    client.close();
  }
}

function isEchoed({initial, ended}) {
  assert.deepEqual(initial.get(INITIAL), [INITIAL_VALUE]);
  assert.deepEqual(ended.metadata.get(TRAILING), [TRAILING_VALUE]);
}

function echoMetadata() {
  const metadata = new grpc.Metadata();

  metadata.set(INITIAL, INITIAL_VALUE);
  metadata.set(TRAILING, TRAILING_VALUE);
  return metadata;
}

const CASES = {
  async empty_unary(client) {
    const {response, ended} = await unary(client, 'EmptyCall', {});

    assert.deepEqual(response, {});
    isAnswered(ended);
  },

  async large_unary(client) {
    const {response, ended} =
      await unary(client, 'UnaryCall', largeRequest());

    isAnswered(ended);
    isPayload(response, RESPONSE_SIZE);
  },

  async client_compressed_unary(client) {
    const yes = largeRequest({expect_compressed: {value: true}});
    const no = largeRequest({expect_compressed: {value: false}});
    const probe = await unary(client, 'UnaryCall', yes);

    assert.equal(probe.ended.code, status.INVALID_ARGUMENT);
    await withCompression(async (compressing) => {
      for (const [made, request] of [[compressing, yes], [client, no]]) {
        const {response, ended} = await unary(made, 'UnaryCall', request);
        isAnswered(ended);
        isPayload(response, RESPONSE_SIZE);
      }
    });
  },

  // grpc-js does not tell whether a message was compressed.
  async server_compressed_unary(client) {
    for (const value of [true, false]) {
      const {response, ended} = await unary(client, 'UnaryCall',
        largeRequest({response_compressed: {value}}));
      isAnswered(ended);
      isPayload(response, RESPONSE_SIZE);
    }
    return 'answers only';
  },

  async client_streaming(client) {
    const {response, ended} = await input(client,
      SENT.map((size) => ({payload: zeros(size)})));

    isAnswered(ended);
    assert.equal(response.aggregated_payload_size, 74922);
  },

  async client_compressed_streaming(client) {
    const yes = {payload: zeros(27182), expect_compressed: {value: true}};
    const no = {payload: zeros(45904), expect_compressed: {value: false}};
    const probe = await input(client, [yes]);

    assert.equal(probe.ended.code, status.INVALID_ARGUMENT);
    await withCompression(async (compressing) => {
      const {response, ended} = await input(compressing, [yes, no],
        {interceptors: [compressAsExpected]});
      isAnswered(ended);
      assert.equal(response.aggregated_payload_size, 73086);
    });
  },

  async server_streaming(client) {
    await output(client, RETURNED.map((size) => ({size})));
  },

  // As server_compressed_unary.
  async server_compressed_streaming(client) {
    await output(client, [{size: 31415, compressed: {value: true}},
      {size: 92653, compressed: {value: false}}]);
    return 'answers only';
  },

  async ping_pong(client) {
    const stream = duplex(client);

    for (const [i, size] of RETURNED.entries()) {
      stream.call.write(outputRequest([size], SENT[i]));
      isPayload(await stream.next(), size);
    }
    stream.call.end();
    await stream.end();
  },

  async empty_stream(client) {
    const stream = duplex(client);

    stream.call.end();
    await stream.end();
  },

  async custom_metadata(client) {
    const call = await unary(client, 'UnaryCall', largeRequest(),
      echoMetadata());

    isAnswered(call.ended);
    isPayload(call.response, RESPONSE_SIZE);
    isEchoed(call);

    const stream = duplex(client, deadline(), echoMetadata());
    stream.call.write(outputRequest([RESPONSE_SIZE], REQUEST_SIZE));
    stream.call.end();
    isPayload(await stream.next(), RESPONSE_SIZE);
    isEchoed(await stream.end());
  },

  async status_code_and_message(client) {
    const request = {response_status:
      {code: 2, message: 'test status message'}};
    const call = await unary(client, 'UnaryCall', request);
    const stream = duplex(client);

    stream.call.write(request);
    stream.call.end();
    await stream.over;
    assert.deepEqual(stream.messages, []);
    for (const {ended} of [call, stream]) {
      assert.equal(ended.code, status.UNKNOWN);
      assert.equal(ended.details, request.response_status.message);
    }
  },

  async special_status_message(client) {
    const message = '\t\ntest with whitespace\r\nand Unicode BMP \u263a ' +
      'and non-BMP \u{1f608}\t\n';
    const {ended} = await unary(client, 'UnaryCall',
      {response_status: {code: 2, message}});

    assert.equal(ended.code, status.UNKNOWN);
    assert.equal(ended.details, message);
  },

  async unimplemented_method(client) {
    const {ended} = await unary(client, 'UnimplementedCall', {});

    assert.equal(ended.code, status.UNIMPLEMENTED);
  },

  async unimplemented_service() {
    const other = connect(testing.UnimplementedService);

    try {
      const {ended} = await unary(other, 'UnimplementedCall', {});
      assert.equal(ended.code, status.UNIMPLEMENTED);
    } finally {
      other.close();
    }
  },

  async cancel_after_begin(client) {
    const watched = new Watched().watch(
      client.StreamingInputCall(deadline(), () => {}));

    watched.call.cancel();
    const {ended} = await watched.over;
    assert.equal(ended.code, status.CANCELLED);
  },

  async cancel_after_first_response(client) {
    const stream = duplex(client);

    stream.call.write(outputRequest([RETURNED[0]], SENT[0]));
    isPayload(await stream.next(), RETURNED[0]);
    stream.call.cancel();
    await stream.over;
    assert.equal(stream.ended.code, status.CANCELLED);
  },

  async timeout_on_sleeping_server(client) {
    const stream = duplex(client, deadline(1));

    stream.call.write(outputRequest([], SENT[0]));
    await stream.over;
    assert.equal(stream.ended.code, status.DEADLINE_EXCEEDED);
  },
};

// A case on a connection that calls come and go on, before it (so that a
// deadline or a cancel finds the server at work, not a handshake) and after it.
async function run(name) {
  const client = connect();

  try {
    isAnswered((await unary(client, 'EmptyCall', {})).ended);
    const note = await CASES[name](client);
    isAnswered((await unary(client, 'EmptyCall', {})).ended);
    return note;
  } finally {
    client.close();
  }
}

async function main() {
  let failures = 0;

  for (const name of NAMES) {
    let result = 'ok';
    try {
      const note = await run(name);
      if (note !== undefined)
        result += `: ${note}`;
    } catch (error) {
      result = 'FAILED: ' + String(error.message).replace(/\s+/g, ' ');
      failures++;
    }
    console.log(`node ${name} ${result}`);
  }
  // The deadline's timer of a call that was cancelled at once goes on.
  process.exit(failures > 0 ? 1 : 0);
}

main();
