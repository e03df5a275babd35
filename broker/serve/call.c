/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/call.h"

#include <string.h>
#include <strings.h>

#include "broker/serve/listen.h"
#include "broker/serve/seats.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define TARGET_MAX 8192

struct ush_call {
	struct ush_calls *all;
	struct ush_seat *seat;
	struct MHD_Connection *connection;
	char *target; /* NULL: too long */
	struct ush_buf body;
	size_t counted; /* of all->bodies */
	bool begun, replied;
	struct ush_httpd_reply reply;
};

/* ---- what a handler is given ---- */

const char *ush_httpd_header(const struct ush_httpd_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *ush_httpd_peer(const struct ush_httpd_request *request, char *out, size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info != NULL ? ush_listen_name(info->client_addr, false, out, size) : "?";
}

void ush_httpd_add_header(struct ush_httpd_reply *reply, const char *name, char *value)
{
	if (reply->header_count >= USH_HTTPD_HEADERS) {
		free(value);
		return;
	}
	reply->headers[reply->header_count].name = name;
	reply->headers[reply->header_count++].value = value;
}

static void reply_free(struct ush_httpd_reply *reply)
{
	free(reply->body);
	for (size_t i = 0; i < reply->header_count; i++)
		free(reply->headers[i].value);
	*reply = (struct ush_httpd_reply){0};
}

/* ---- sending ---- */

static enum MHD_Result send_reply(struct ush_call *call)
{
	struct ush_httpd_reply *reply = &call->reply;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (reply->body != NULL && reply->length == 0)
		reply->length = strlen(reply->body);
	response = MHD_create_response_from_buffer(reply->body != NULL ? reply->length : 0, reply->body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		return MHD_NO;
	reply->body = NULL;
	if (reply->type != NULL)
		MHD_add_response_header(response, "Content-Type", reply->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (call->all->config->once)
		MHD_add_response_header(response, "Connection", "close");
	for (size_t i = 0; i < reply->header_count; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	result = MHD_queue_response(call->connection, (unsigned int)reply->status, response);
	MHD_destroy_response(response);
	call->seat->known |= reply->known;
	call->replied = true;
	reply_free(reply);
	return result;
}

static enum MHD_Result refuse(struct ush_call *call, int status)
{
	call->reply.status = status;
	if (status == 503)
		ush_httpd_add_header(&call->reply, "Retry-After", ush_strdup("5"));
	return send_reply(call);
}

static void hold(struct ush_call *call)
{
	MHD_suspend_connection(call->connection);
	call->seat->waits = true;
	USH_PUSH(call->all->held, call->all->held_count, call);
}

void ush_calls_settle(struct ush_calls *all)
{
	bool good = all->held_count > 0 && all->config->settle(all->config->context);

	for (size_t i = 0; i < all->held_count; i++) {
		struct ush_call *call = all->held[i];

		if (!good) {
			reply_free(&call->reply);
			all->config->spoilt(all->config->context, &call->reply);
		}
		call->seat->waits = false;
		send_reply(call);
		MHD_resume_connection(call->connection);
	}
	free(ush_steal(&all->held));
	all->held_count = 0;
}

/* ---- taking ---- */

void *ush_call_begin(void *context, const char *target, struct MHD_Connection *connection)
{
	struct ush_call *call = ush_new(struct ush_call);
	struct ush_calls *all = context;

	call->all = all;
	call->connection = connection;
	call->body.limit = all->config->body_most + 1;
	call->seat = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	if (strlen(target) <= TARGET_MAX)
		call->target = ush_strdup(target);
	call->seat->busy = true;
	all->open++;
	return call;
}

void ush_call_end(void *context, struct MHD_Connection *connection, void **at, enum MHD_RequestTerminationCode how)
{
	struct ush_call *call = *at;
	struct ush_calls *all = context;

	(void)connection;
	(void)how;
	if (call == NULL)
		return;
	all->open--;
	all->bodies -= call->counted;
	call->seat->since = ush_boot_ms(all->world);
	call->seat->busy = false;
	reply_free(&call->reply);
	ush_buf_free(&call->body);
	free(call->target);
	free(call);
	*at = NULL;
}

static enum MHD_Result count_frames(void *count, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	(void)value;
	*(size_t *)count += strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
	return MHD_YES;
}

/* Who says more than once where a body ends wants a proxy in front of us to believe the other one (RFC 9112 section 11.2). */
static bool is_ambiguous(const struct ush_call *call)
{
	size_t count = 0;

	MHD_get_connection_values(call->connection, MHD_HEADER_KIND, count_frames, &count);
	return count > 1;
}

/* The header is there, the body is not. */
static enum MHD_Result take_header(struct ush_call *call, const struct ush_httpd_request *request)
{
	const struct ush_httpd_config *config = call->all->config;
	const char *length = ush_httpd_header(request, "Content-Length");

	call->begun = true;
	if (call->target == NULL)
		return refuse(call, 414);
	if (is_ambiguous(call))
		return refuse(call, 400);
	config->admit(config->context, request, &call->reply);
	call->seat->known |= call->reply.known;
	if (call->reply.status != 0)
		return send_reply(call);
	if (length != NULL && (strlen(length) > 18 || strtoull(length, NULL, 10) > config->body_most))
		return refuse(call, 413);
	if (call->all->bodies >= config->bodies_most)
		return refuse(call, 503);
	return MHD_YES;
}

/* A body that says nothing of its length and becomes too long ends the connection: no answer fits into the middle of it. */
static enum MHD_Result take_body(struct ush_call *call, const char *data, size_t *size)
{
	if (call->replied)
		*size = 0;
	if (*size == 0)
		return MHD_YES;
	if (call->body.length + *size > call->all->config->body_most || ush_buf_add(&call->body, data, *size) != 0)
		return MHD_NO;
	call->counted += *size;
	call->all->bodies += *size;
	*size = 0;
	return MHD_YES;
}

enum MHD_Result ush_call_step(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *data,
				  size_t *size, void **at)
{
	struct ush_call *call = *at;
	const struct ush_httpd_config *config = ((struct ush_calls *)context)->config;
	struct ush_httpd_request request = {method, NULL, "", 0, connection};

	(void)url;
	(void)version;
	if (call == NULL)
		return MHD_NO;
	request.target = call->target;
	if (!call->begun)
		return take_header(call, &request);
	if (*size > 0)
		return take_body(call, data, size);
	if (call->replied)
		return MHD_YES;
	if (call->body.length > 0) {
		request.body = call->body.data;
		request.length = call->body.length;
	}
	config->answer(config->context, &request, &call->reply);
	if (!call->reply.held)
		return send_reply(call);
	hold(call);
	return MHD_YES;
}
