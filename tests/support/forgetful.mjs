// SPDX-License-Identifier: Apache-2.0
// A proxy before an API server that gives lists in pages of two, and between the first page of one of them and the next has
// etcd forget what was before (compaction): the server itself then says that the list has expired (410).
//
//   node forgetful.mjs TIMES PATH KUBECONFIG PKI ETCD NEW-KUBECONFIG COMMAND...
//
// PATH is the list's that is to expire, so many TIMES. The rest as for halting.mjs; ETCD is the URL of its HTTP gateway. It
// says of itself that it is an old server, which does not give a list in one answer. Answers to the list's later pages are in
// NEW-KUBECONFIG.log, a status a line.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';

const [times, path, kubeconfig, pki, etcd, place, ...command] = process.argv.slice(2);
const text = readFileSync(kubeconfig, 'utf8');
const [, server, ca] = text.match(/server: "([^"]*)", certificate-authority: ([^}]*)}/);
const agent = new https.Agent({ ca: readFileSync(ca), keepAlive: true });
let left = Number(times);

const call = async (what, body) => (await fetch(`${etcd}/v3/kv/${what}`, { method: 'POST', body: JSON.stringify(body) })).json();
const base64 = (word) => Buffer.from(word).toString('base64');

const compact = async () => {
	const { header } = await call('put', { key: base64('forgetful'), value: base64(String(left)) });
	await call('compaction', { revision: header.revision, physical: true });
};

const carryOut = (request, response, log) => {
	const url = request.url.replace('limit=5000', 'limit=2');
	request.pipe(https.request(server + url, { agent, method: request.method, headers: request.headers }, (answer) => {
		response.writeHead(answer.statusCode, answer.headers);
		answer.pipe(response);
		if (log)
			appendFileSync(`${place}.log`, `${answer.statusCode}\n`);
	}));
};

const tls = { cert: readFileSync(`${pki}/server.crt`), key: readFileSync(`${pki}/server.key`) };
const proxy = https.createServer(tls, async (request, response) => {
	const later = request.url.startsWith(`${path}?`) && request.url.includes('continue=');
	if (request.url === '/version') {
		response.writeHead(200, { 'content-type': 'application/json' });
		response.end('{"major":"1","minor":"30"}');
		return;
	}
	if (later && left > 0) {
		left--;
		await compact();
	}
	carryOut(request, response, later);
});

proxy.listen(0, '127.0.0.1', () => {
	writeFileSync(`${place}.log`, '');
	writeFileSync(place, text.replace(server, `https://127.0.0.1:${proxy.address().port}`).replace(ca, `${pki}/ca.crt`), { mode: 0o600 });
	const child = spawn(command[0], command.slice(1), { stdio: 'inherit' });
	child.on('exit', (code) => process.exit(code ?? 137));
});
