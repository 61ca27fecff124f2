// Ask in JavaScript, with grpc-js and proto-loader, and file the receipts as
// docs/receipt.md shows it: by the function that stands there.
//
// Usage: receipt.js PROTOS FOLDER
// PROTOS is the folder of the .proto files.  Of each N.request in FOLDER the
// response goes to N.sent in the bytes that came, and to N.again as protobufjs
// serializes it again.  Where the daemon is, and the folder of the
// certificates, is told by the environment (see with_vouchd.py).
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const TESTS = path.resolve(__dirname, '..', '..');
module.paths.push(path.join(TESTS, 'node_modules'));
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, folder] = process.argv.slice(2);

// The function verifyCredential of docs/receipt.md.
function documented() {
  const text = fs.readFileSync(
    path.join(TESTS, '..', 'docs', 'receipt.md'), 'utf8');
  const [source] = /^ {4}function verifyCredential\([^]*?^ {4}}$/m.exec(text);

  return new Function(source + '\nreturn verifyCredential;')();
}

async function main() {
  const verifyCredential = documented();
  const api = grpc.loadPackageDefinition(loader.loadSync(
    'vouch/v1/verification_service.proto', {includeDirs: [protos]}));
  const {VerificationService} = api.vouch.v1;
  const method = VerificationService.service.VerifyCredential;
  const read = (name) =>
    fs.readFileSync(path.join(process.env.VOUCH_CERTS, name));
  const client = new VerificationService(process.env.VOUCH_ADDRESS,
    grpc.credentials.createSsl(read('root.pem'), read('employer.key'),
      read('employer.pem')));

  // Requests are bytes already, with fields that it may not know.
  method.requestSerialize = (bytes) => bytes;
  for (const name of fs.readdirSync(folder)) {
    if (!name.endsWith('.request'))
      continue;
    const base = path.join(folder, path.basename(name, '.request'));
    const request = fs.readFileSync(path.join(folder, name));
    const value = await new Promise((resolve, reject) => {
      verifyCredential(client, request, (error, answered) =>
        error ? reject(error) : resolve(answered));
    });

    fs.writeFileSync(base + '.sent', value.receipt);
    fs.writeFileSync(base + '.again', method.responseSerialize(
      value.response));
  }
  client.close();
}

main();
