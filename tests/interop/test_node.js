// vouchd as a stock node client sees it: grpc-js, and proto-loader, which
// reads the .proto files at run time.
'use strict';

const assert = require('node:assert/strict');
const {randomUUID} = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const {after, before, test} = require('node:test');

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const {Daemon, SOURCE, makeCertificates} = require('../support/daemon.js');

const PROTO = path.join(SOURCE, 'proto');
const api = grpc.loadPackageDefinition(loader.loadSync([
  'vouch/v1/access_service.proto', 'vouch/v1/catalog_service.proto',
  'vouch/v1/publishing_service.proto', 'vouch/v1/verification_service.proto',
  'grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto',
], {includeDirs: [PROTO], enums: String, longs: Number, defaults: true}));
const TIMEOUT_MS = 30000;
const YEAR_1990 = {year: 1990};

const daemon = new Daemon();
const clients = [];

function client(Service, name, directory = daemon.certificates,
    root = daemon.read('root.pem'), options = {}) {
  const pair = name === null ? [] :
    [fs.readFileSync(path.join(directory, name + '.key')),
      fs.readFileSync(path.join(directory, name + '.pem'))];
  const made = new Service(daemon.address(),
    grpc.credentials.createSsl(root, ...pair),
    {'grpc.use_local_subchannel_pool': 1, ...options});

  clients.push(made);
  return made;
}

function deadline(ms = TIMEOUT_MS) {
  return {deadline: Date.now() + ms};
}

// One unary call, as a promise.
function call(made, method, request) {
  return new Promise((resolve, reject) => {
    made[method](request, deadline(), (error, response) =>
      error ? reject(error) : resolve(response));
  });
}

function verify(made, fields = {}) {
  return call(made, 'VerifyCredential', {requestId: randomUUID(), claim: {
    associationId: 'ascp-boc', credentialTypeId: 'ascp-pbt',
    number: '10482', name: {family: 'Garcia'}, birthDate: YEAR_1990,
    ...fields}});
}

function fails(promise, code) {
  return assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    return true;
  });
}

function row(line, number, fields = {}) {
  return {line, credentialTypeId: 'ascp-pbt', number,
    name: {family: 'Interop', given: 'Pat'}, birthDate: {year: 1981},
    issuedOn: {year: 2020, month: 1, day: 2}, rawStatus: 'ACTIVE', ...fields};
}

function header(requestId, associationId = 'ascp-boc') {
  return {header: {requestId, associationId,
    mode: 'PUBLICATION_MODE_DELTA'}};
}

// Every response of an upload of those messages.
function publish(made, messages) {
  return new Promise((resolve, reject) => {
    const stream = made.PublishCredentials(deadline());
    const responses = [];

    stream.on('data', (response) => responses.push(response));
    stream.on('error', reject);
    stream.on('end', () => resolve(responses));
    for (const message of messages)
      stream.write(message);
    stream.end();
  });
}

// The next message of a stream, or its failure.
function next(stream) {
  return new Promise((resolve, reject) => {
    const settle = (how) => (value) => {
      stream.removeAllListeners('data');
      stream.removeAllListeners('error');
      stream.on('error', () => {});
      how(value);
    };

    stream.once('data', settle(resolve));
    stream.once('error', settle(reject));
  });
}

before(async () => {
  await daemon.start();
  const responses = await publish(
    client(api.vouch.v1.PublishingService, 'association'),
    [header(randomUUID()), {rows: [
      row(2, '10482', {name: {family: 'Garcia'}, birthDate: YEAR_1990})]}]);
  assert.equal(responses.at(-1).summary.newCount, 1);
});

after(async () => {
  for (const made of clients)
    made.close();
  await daemon.stop();
});

test('a claim that is so is confirmed', async () => {
  const employer = client(api.vouch.v1.VerificationService, 'employer');
  const {answer, question} = await verify(employer);

  assert.equal(answer.verdict, 'VERDICT_CONFIRMED');
  assert.equal(answer.conclusion, 'CONCLUSION_YES');
  assert.equal(question.asker,
    'spiffe://dev.vouch.invalid/employer/dev-employer');
});

test('another person does not match', async () => {
  const employer = client(api.vouch.v1.VerificationService, 'employer');
  const {answer, question} =
    await verify(employer, {name: {family: 'Müller'}});

  assert.equal(answer.verdict, 'VERDICT_NO_MATCH');
  assert.equal(answer.status, null);
  assert.equal(question.claim.name.family, 'Müller');
});

test('many calls at a time are all answered', async () => {
  const employer = client(api.vouch.v1.VerificationService, 'employer');
  const answers = await Promise.all(Array.from({length: 500}, (_, i) =>
    verify(employer, {number: String(10400 + i)})));

  assert.equal(answers.filter(({answer}) =>
    answer.verdict === 'VERDICT_CONFIRMED').length, 1);
  answers.forEach(({question}, i) =>
    assert.equal(question.claim.number, String(10400 + i)));
});

test('a missing birth date is told in the error details', async () => {
  const root = protobuf.loadSync([
    path.join(PROTO, 'google/rpc/error_details.proto')]);
  const status = new protobuf.Root();
  status.resolvePath = (_, target) => path.join(PROTO, target);
  status.loadSync('google/rpc/status.proto');
  const employer = client(api.vouch.v1.VerificationService, 'employer');

  await assert.rejects(verify(employer, {birthDate: null}), (error) => {
    assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
    const decoded = status.lookupType('google.rpc.Status').decode(
      error.metadata.get('grpc-status-details-bin')[0]);
    assert.equal(decoded.code, error.code);
    assert.equal(decoded.message, error.details);
    const found = {};
    for (const any of decoded.details) {
      const name = any.type_url.split('/').pop();
      found[name] = root.lookupType(name).decode(any.value);
    }
    assert.match(found['google.rpc.ErrorInfo'].reason, /^[A-Z][A-Z0-9_]+$/);
    assert.deepEqual(found['google.rpc.BadRequest'].fieldViolations
      .map(({field}) => field), ['claim.birth_date']);
    return true;
  });
});

test('a client that compresses, and what comes back compressed', async () => {
  const gzip = {'grpc.default_compression_algorithm': 2};
  const compressing = (Service, name) => client(Service, name,
    daemon.certificates, daemon.read('root.pem'), gzip);
  const {answer} = await verify(
    compressing(api.vouch.v1.VerificationService, 'employer'));
  const responses = await publish(
    compressing(api.vouch.v1.PublishingService, 'association'),
    [header(randomUUID()),
      {rows: Array.from({length: 500}, (_, i) => row(i + 2, 'GZIP-' + i))}]);
  const {associations} = await call(
    compressing(api.vouch.v1.CatalogService, 'employer'),
    'ListAssociations', {});

  assert.equal(answer.verdict, 'VERDICT_CONFIRMED');
  assert.equal(responses.at(-1).summary.newCount, 500);
  assert.ok(associations.length > 10);
});

test('pages of five are all of the catalog', async () => {
  const catalog = client(api.vouch.v1.CatalogService, 'employer');
  const whole = await call(catalog, 'ListAssociations', {pageSize: 1000});
  const ids = [];
  let token = '';

  for (let pages = 0; pages < 1000; pages++) {
    const page = await call(catalog, 'ListAssociations',
      {pageSize: 5, pageToken: token});
    ids.push(...page.associations.map(({id}) => id));
    token = page.nextPageToken;
    if (token === '')
      break;
    assert.equal(page.associations.length, 5);
  }
  assert.equal(token, '');
  assert.deepEqual(ids, whole.associations.map(({id}) => id));
  assert.ok(ids.length > 10);
});

test('an upload: ranges, rejects, summary, and once more', async () => {
  const association = client(api.vouch.v1.PublishingService, 'association');
  const id = randomUUID();
  const messages = [header(id),
    {rows: Array.from({length: 500}, (_, i) => row(i + 2, 'N-' + i))},
    {rows: [row(600, 'N-600', {credentialTypeId: 'no-such'})]}];
  const first = await publish(association, messages);
  const {summary} = first.at(-1);

  assert.deepEqual(first.flatMap(({accepted}) => accepted),
    [{first: 2, last: 501}]);
  assert.deepEqual(first.flatMap(({rejects}) => rejects)
    .map(({line, field, reason}) => [line, field, reason]),
    [[600, 'credential_type_id', 'UNKNOWN_CREDENTIAL_TYPE']]);
  assert.equal(summary.newCount, 500);
  assert.equal(summary.rejectedCount, 1);

  const again = (await publish(association, messages)).at(-1);
  assert.equal(again.repeatedRequest, true);
  assert.deepEqual(again.summary, summary);
  await fails(publish(association, [header(id), {rows: [row(2, 'N-x')]}]),
    grpc.status.ALREADY_EXISTS);
});

// Node ends a stream before it resets it, so that the daemon may have the
// whole upload before it learns of the cancel.  Only a summary acknowledges:
// without one the same request may be repeated, and is carried out once.
test('an upload that is cancelled is repeated, and carried out once',
  async () => {
    const association = client(api.vouch.v1.PublishingService,
      'association');
    const messages = [header(randomUUID()), {rows: [row(2, 'CANCELLED-2')]}];
    const stream = association.PublishCredentials(deadline());

    messages.forEach((message) => stream.write(message));
    assert.deepEqual((await next(stream)).accepted, [{first: 2, last: 2}]);
    stream.cancel();
    await fails(next(stream), grpc.status.CANCELLED);

    const {summary} = (await publish(association, messages)).at(-1);
    assert.equal(summary.newCount, 1);
    const {publication} = await call(association, 'GetPublication',
      {requestId: summary.requestId});
    assert.deepEqual(publication, summary);
    const again = (await publish(association, messages)).at(-1);
    assert.equal(again.repeatedRequest, true);
    assert.deepEqual(again.summary, summary);
  });

test('health: check, watch, deadline, cancel', async () => {
  const health = client(api.grpc.health.v1.Health, 'employer');

  assert.equal((await call(health, 'Check', {service: ''})).status,
    'SERVING');
  await fails(call(health, 'Check', {service: 'no.such.Service'}),
    grpc.status.NOT_FOUND);
  const timed = health.Watch({service: ''}, deadline(300));
  assert.equal((await next(timed)).status, 'SERVING');
  await fails(next(timed), grpc.status.DEADLINE_EXCEEDED);
  for (let i = 0; i < 20; i++) {
    const watch = health.Watch({service: ''}, deadline());
    assert.equal((await next(watch)).status, 'SERVING');
    watch.cancel();
    await fails(next(watch), grpc.status.CANCELLED);
  }
  assert.equal((await call(health, 'Check', {service: ''})).status,
    'SERVING');
});

test('reflection lists the services', async () => {
  const reflection = client(api.grpc.reflection.v1.ServerReflection,
    'employer');
  const stream = reflection.ServerReflectionInfo(deadline());

  stream.write({listServices: '*'});
  const {service} = (await next(stream)).listServicesResponse;
  assert.ok(service.some(({name}) =>
    name === 'vouch.v1.VerificationService'));
  assert.ok(service.some(({name}) => name === 'grpc.health.v1.Health'));
  stream.end();
});

test('roles: who may publish, and for whom', async () => {
  const {PublishingService} = api.vouch.v1;

  await fails(publish(client(PublishingService, 'employer'),
    [header(randomUUID()), {rows: [row(2, 'X')]}]),
  grpc.status.PERMISSION_DENIED);
  await fails(publish(client(PublishingService, 'association'),
    [header(randomUUID(), 'amt'), {rows: [row(2, 'X')]}]),
  grpc.status.PERMISSION_DENIED);
  await fails(verify(client(api.vouch.v1.VerificationService,
    'association')), grpc.status.PERMISSION_DENIED);
});

test('certificates: none, or of another root', async () => {
  const {AccessService} = api.vouch.v1;
  const other = path.join(daemon.directory, 'other');
  const refused = (made) =>
    fails(call(made, 'WhoAmI', {}), grpc.status.UNAVAILABLE);

  makeCertificates(other);
  await refused(client(AccessService, null));
  await refused(client(AccessService, 'employer', other));
  await refused(client(AccessService, 'employer', daemon.certificates,
    fs.readFileSync(path.join(other, 'root.pem'))));
  const {role} = await call(client(AccessService, 'auditor'), 'WhoAmI', {});
  assert.equal(role, 'auditor');
});
