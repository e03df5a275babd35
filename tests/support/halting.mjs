// SPDX-License-Identifier: Apache-2.0
// A proxy before an API server that carries K requests out, and with the next one kills (SIGKILL) who asks: for tests of what
// is left when a command dies anywhere.
//
//   node halting.mjs K KUBECONFIG PKI NEW-KUBECONFIG COMMAND...
//
// PKI has server.crt, server.key and ca.crt (certificates.sh). KUBECONFIG (one line with server and certificate-authority)
// is written anew to NEW-KUBECONFIG, which the command is to use. What was carried out is listed in NEW-KUBECONFIG.log. Ends
// with the command's own status, 137 where it was killed.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';

const [most, kubeconfig, pki, place, ...command] = process.argv.slice(2);
const text = readFileSync(kubeconfig, 'utf8');
const [, server, ca] = text.match(/server: "([^"]*)", certificate-authority: ([^}]*)}/);
const agent = new https.Agent({ ca: readFileSync(ca), keepAlive: true });
let child, asked = 0, underWay = 0;

const full = () => asked > Number(most);
const end = () => full() && underWay === 0 && child.kill('SIGKILL');

const carryOut = (request, response) => {
	underWay++;
	const onward = https.request(server + request.url, { agent, method: request.method, headers: request.headers }, (answer) => {
		answer.on('end', () => { underWay--; end(); });
		response.writeHead(answer.statusCode, answer.headers);
		answer.pipe(response);
		appendFileSync(`${place}.log`, `${answer.statusCode} ${request.method} ${request.url}\n`);
	});
	request.pipe(onward);
};

const tls = { cert: readFileSync(`${pki}/server.crt`), key: readFileSync(`${pki}/server.key`) };
const proxy = https.createServer(tls, (request, response) => {
	asked++;
	if (full())
		end();
	else
		carryOut(request, response);
});

proxy.listen(0, '127.0.0.1', () => {
	writeFileSync(`${place}.log`, '');
	writeFileSync(place, text.replace(server, `https://127.0.0.1:${proxy.address().port}`).replace(ca, `${pki}/ca.crt`), { mode: 0o600 });
	child = spawn(command[0], command.slice(1), { stdio: 'inherit' });
	child.on('exit', (code, signal) => process.exit(signal === null ? code : 137));
});
