/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/record.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "common/net/many.h"

#define PART ".part" /* behind the name of a recording that is being made */

struct tape { /* the answers to one request, in order */
	char *key;
	json_t **answers;
	size_t count, told;
};

struct flight { /* an exchange of a pump that is under way */
	size_t tag;
	struct ush_http_request request;
	bool used;
};

struct ush_recorder {
	const struct ush_world *inner;
	char *folder, *source;
	int fd;        /* of the recording that is made, or -1 */
	int bad;       /* errno of the first write that failed */
	void *tapes;   /* tree of struct tape: what is replayed */
	int64_t later; /* ms that nobody waited for */
	const struct ush_http_pump *pump;
	struct flight flights[USH_HTTP_MANY_MOST];
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct tape *)a)->key, ((const struct tape *)b)->key);
}

static void free_tape(void *node)
{
	struct tape *tape = node;

	for (size_t i = 0; i < tape->count; i++)
		json_decref(tape->answers[i]);
	free(tape->answers);
	free(tape->key);
	free(tape);
}

/* ---- lines ---- */

static char *key_of(const struct ush_recorder *recorder, const char *request)
{
	return ush_printf("%s\n%s", recorder->source != NULL ? recorder->source : "", request);
}

/* What an exchange is found by: the token a GET was sent with is no part of it, nor what a sign-in form said. */
static char *request_text(const struct ush_http_request *request)
{
	USH_AUTO_FREE char *url = ush_scrub_query(request->url), *body = NULL;
	const char *method = request->method != NULL ? request->method : "GET";
	bool form = request->content_type != NULL && strcmp(request->content_type, "application/x-www-form-urlencoded") == 0;

	if (request->body == NULL || form)
		return ush_printf("%s %s", method, url);
	body = ush_scrub_body(request->body, request->body_length);
	return ush_printf("%s %s %s", method, url, body);
}

/* Short secrets are not taken out of the request, by which the answer is found again. */
static void write_line(struct ush_recorder *recorder, const char *request, json_t *answer)
{
	USH_AUTO_JSON line = json_pack("{s:s, s:s, s:o}", "source", recorder->source != NULL ? recorder->source : "", "request", request, "answer", answer);
	char *text;

	if (line != NULL)
		ush_scrub_json(answer);
	text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	if (text == NULL) {
		recorder->bad = recorder->bad == 0 ? EILSEQ : recorder->bad;
		return;
	}
	ush_scrub_long(text, strlen(text));
	if (recorder->bad == 0 && (ush_write_all(recorder->fd, text, strlen(text)) != 0 || ush_write_all(recorder->fd, "\n", 1) != 0))
		recorder->bad = errno;
	free(text);
}

static json_t *headers_json(const struct ush_http_response *response)
{
	const char *p = response->headers.data, *end = p != NULL ? p + response->headers.length : NULL;
	json_t *list = json_array();

	while (p < end) {
		const char *value = p + strlen(p) + 1;

		if (ush_scrub_keeps_header(p) && ush_text_is_utf8(value, strlen(value)))
			json_array_append_new(list, json_pack("[s, s]", p, value));
		p = value + strlen(value) + 1;
	}
	return list;
}

static void keep(struct ush_recorder *recorder, const struct ush_http_request *request, const struct ush_http_response *response, const struct ush_error *why)
{
	USH_AUTO_CONFIDED confided = {0};
	USH_AUTO_FREE char *text = request_text(request), *body = NULL;
	json_t *answer;

	ush_confide(&confided, request);
	if (why->code != USH_OK) {
		answer = json_pack("{s:i, s:s}", "error", (int)why->code, "what", why->what);
	} else {
		body = ush_scrub_body(response->body.data, response->body.length);
		answer = json_pack("{s:i, s:o, s:s, s:I, s:I}", "status", response->status, "headers", headers_json(response), "body", body, "retryAfterMs",
				   (json_int_t)response->retry_after_ms, "date", (json_int_t)response->date);
	}
	write_line(recorder, text, answer);
}

/* ---- recording ---- */

static int record_http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	struct ush_recorder *recorder = context;
	int result = ush_http(recorder->inner, request, response, err);
	static const struct ush_error none;

	keep(recorder, request, response, result == 0 ? &none : err);
	return result;
}

static bool record_next(void *context, struct ush_http_request *request, size_t *tag, int64_t *wait_ms)
{
	struct ush_recorder *recorder = context;
	struct flight *f = recorder->flights;

	if (!recorder->pump->next(recorder->pump->context, request, tag, wait_ms))
		return false;
	while (f->used && f < recorder->flights + USH_HTTP_MANY_MOST - 1)
		f++;
	*f = (struct flight){*tag, *request, true};
	return true;
}

static void record_done(void *context, size_t tag, struct ush_http_response *response, const struct ush_error *err)
{
	struct ush_recorder *recorder = context;

	for (struct flight *f = recorder->flights; f < recorder->flights + USH_HTTP_MANY_MOST; f++)
		if (f->used && f->tag == tag) {
			keep(recorder, &f->request, response, err);
			f->used = false;
			break;
		}
	recorder->pump->done(recorder->pump->context, tag, response, err);
}

static size_t record_width(void *context)
{
	const struct ush_recorder *recorder = context;

	return recorder->pump->width(recorder->pump->context);
}

static int record_many(void *context, const struct ush_http_pump *pump, struct ush_error *err)
{
	struct ush_recorder *recorder = context;
	struct ush_http_pump tap = {recorder, record_next, record_done, record_width};
	int result;

	recorder->pump = pump;
	result = ush_http_many(recorder->inner, &tap, err);
	recorder->pump = NULL;
	return result;
}

/* What is being written has another name until it is whole; one that a run left behind is begun anew. */
static int begin_file(const char *path, const char *part, struct ush_error *err)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == 0) {
		ush_fail(err, USH_ERR_STORE, "%s: holds a recording already", path);
		return ush_hint(err, "Name another folder");
	}
	fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0)
		return fd;
	ush_fail(err, USH_ERR_STORE, "%s: %s", part, errno == EWOULDBLOCK ? "another run records there" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void end_file(struct ush_recorder *recorder)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", recorder->folder, USH_RECORD_FILE), *part = ush_printf("%s" PART, path);

	if (recorder->bad == 0 && (fsync(recorder->fd) != 0 || rename(part, path) != 0))
		recorder->bad = errno;
	if (recorder->bad != 0)
		unlink(part);
	if (close(recorder->fd) != 0 && recorder->bad == 0)
		recorder->bad = errno;
}

struct ush_recorder *ush_recorder_record(const char *folder, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, USH_RECORD_FILE), *part = ush_printf("%s" PART, path);
	struct ush_recorder *recorder;
	int fd;

	if (ush_file_private_folder(folder, err) != 0 || (fd = begin_file(path, part, err)) < 0)
		return NULL;
	recorder = ush_new(struct ush_recorder);
	*recorder = (struct ush_recorder){.folder = ush_strdup(folder), .fd = fd};
	return recorder;
}

/* ---- replaying ---- */

static struct tape *tape_of(struct ush_recorder *recorder, const char *request, bool make)
{
	USH_AUTO_FREE char *key = key_of(recorder, request);
	struct tape probe = {.key = key}, *tape;
	void *found = tfind(&probe, &recorder->tapes, by_key);

	if (found != NULL || !make)
		return found != NULL ? *(struct tape **)found : NULL;
	tape = ush_new(struct tape);
	tape->key = ush_steal(&key);
	tsearch(tape, &recorder->tapes, by_key);
	return tape;
}

static const json_t *next_answer(struct ush_recorder *recorder, const char *request, struct ush_error *err)
{
	struct tape *tape = tape_of(recorder, request, false);

	if (tape != NULL && tape->told < tape->count)
		return tape->answers[tape->told++];
	ush_fail(err, USH_ERR_INCOMPLETE, "the recording in %.80s has no %sanswer to %.200s", recorder->folder, tape != NULL ? "further " : "", request);
	ush_hint(err, "Was it made with the same policy? Make a new one: --record DIR");
	return NULL;
}

static int64_t between(const json_t *answer, const char *key, int64_t least, int64_t most)
{
	int64_t number = json_integer_value(json_object_get(answer, key));

	return number < least ? least : number > most ? most : number;
}

static int replay_http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	struct ush_recorder *recorder = context;
	USH_AUTO_FREE char *text = request_text(request);
	const json_t *answer = next_answer(recorder, text, err);
	const char *body = ush_json_string(answer, "body");
	json_t *header;
	size_t i;

	if (answer == NULL)
		return -1;
	if (json_object_get(answer, "error") != NULL)
		return ush_fail(err, (enum ush_code)json_integer_value(json_object_get(answer, "error")), "%s", ush_json_string(answer, "what"));
	response->status = (int)between(answer, "status", 0, 999);
	response->retry_after_ms = between(answer, "retryAfterMs", -1, 86400000);
	response->date = between(answer, "date", 0, 1LL << 40);
	ush_buf_puts(&response->body, body != NULL ? body : "");
	json_array_foreach(json_object_get(answer, "headers"), i, header) {
		const char *name = json_string_value(json_array_get(header, 0)), *value = json_string_value(json_array_get(header, 1));

		if (name != NULL && value != NULL) {
			ush_buf_add(&response->headers, name, strlen(name) + 1);
			ush_buf_add(&response->headers, value, strlen(value) + 1);
		}
	}
	return 0;
}

static int64_t replay_now(void *context)
{
	struct ush_recorder *recorder = context;

	return recorder->inner->now_ms(recorder->inner->context) + recorder->later;
}

static int64_t replay_boot(void *context)
{
	struct ush_recorder *recorder = context;

	return ush_boot_ms(recorder->inner) + recorder->later;
}

static int replay_sleep(void *context, int64_t ms)
{
	((struct ush_recorder *)context)->later += ms;
	return 0;
}

/* One line of a recording; an answer is one of a status and what belongs to it, an error, or a text. */
static bool take_line(struct ush_recorder *recorder, const char *line, size_t length)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON json = ush_json_parse(line, length, "line", USH_ERR_CONFIG, &ignored);
	const char *source = ush_json_string(json, "source"), *request = ush_json_string(json, "request");
	json_t *answer = ush_json_object(json, "answer");
	const json_t *error = json_object_get(answer, "error");
	struct tape *tape;

	if (source == NULL || request == NULL || answer == NULL)
		return false;
	if (error == NULL && json_object_get(answer, "signIn") != NULL)
		return false;
	if (error != NULL && (json_integer_value(error) <= USH_DIFFERENCES || json_integer_value(error) >= USH_CODE_COUNT || ush_json_string(answer, "what") == NULL))
		return false;
	ush_recorder_begin(recorder, source);
	tape = tape_of(recorder, request, true);
	USH_PUSH(tape->answers, tape->count, json_incref(answer));
	return true;
}

struct ush_recorder *ush_recorder_replay(const char *folder, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, USH_RECORD_FILE);
	USH_AUTO_BUF text = USH_BUF_MAX(USH_RECORD_MAX);
	struct ush_recorder *recorder;
	size_t number = 0;

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	if (strlen(text.data) != text.length) {
		ush_fail(err, USH_ERR_CONFIG, "%s: is no recording, for it is no text", path);
		return NULL;
	}
	recorder = ush_new(struct ush_recorder);
	*recorder = (struct ush_recorder){.folder = ush_strdup(folder), .fd = -1};
	for (const char *at = text.data, *end; *at != '\0'; at = end + 1) {
		end = strchr(at, '\n');
		number++;
		if (end != NULL && take_line(recorder, at, (size_t)(end - at)))
			continue;
		ush_fail(err, USH_ERR_CONFIG, "%s:%zu: is no line of a recording, or is cut off", path, number);
		ush_recorder_close(recorder, err);
		return NULL;
	}
	return recorder;
}

/* ---- all of it ---- */

int ush_recorder_close(struct ush_recorder *recorder, struct ush_error *err)
{
	int result = 0;

	if (recorder == NULL)
		return 0;
	if (recorder->fd >= 0)
		end_file(recorder);
	if (recorder->bad != 0)
		result = ush_fail(err, USH_ERR_STORE, "%s: the recording is not whole: %s", recorder->folder, strerror(recorder->bad));
	tdestroy(recorder->tapes, free_tape);
	free(recorder->folder);
	free(recorder->source);
	free(recorder);
	return result;
}

static int64_t inner_now(void *context)
{
	const struct ush_world *inner = ((struct ush_recorder *)context)->inner;

	return inner->now_ms(inner->context);
}

static int inner_sleep(void *context, int64_t ms)
{
	return ush_sleep_ms(((struct ush_recorder *)context)->inner, ms);
}

static void inner_random(void *context, void *out, size_t size)
{
	ush_random(((struct ush_recorder *)context)->inner, out, size);
}

struct ush_world ush_recorder_world(struct ush_recorder *recorder, const struct ush_world *inner)
{
	struct ush_world world = {.context = recorder, .boot_ms = replay_boot, .random = inner_random, .recorder = recorder};

	recorder->inner = inner;
	world.now_ms = recorder->fd >= 0 ? inner_now : replay_now;
	world.sleep_ms = recorder->fd >= 0 ? inner_sleep : replay_sleep;
	world.http = recorder->fd >= 0 ? record_http : replay_http;
	world.http_many = recorder->fd >= 0 ? record_many : NULL;
	return world;
}

void ush_recorder_begin(struct ush_recorder *recorder, const char *source)
{
	free(recorder->source);
	recorder->source = ush_strdup(source);
}

bool ush_replaying(const struct ush_world *world)
{
	return world->recorder != NULL && world->recorder->fd < 0;
}

bool ush_recorded(const struct ush_world *world)
{
	return world->recorder != NULL;
}

void ush_record_put(const struct ush_world *world, const char *request, const char *answer, size_t length)
{
	json_t *text;

	if (world->recorder == NULL || world->recorder->fd < 0)
		return;
	text = json_stringn(answer, length);
	write_line(world->recorder, request, json_pack("{s:o}", "text", text != NULL ? text : json_null()));
}

void ush_record_refusal(const struct ush_world *world, const struct ush_http_request *request, const struct ush_error *why)
{
	USH_AUTO_FREE char *text = NULL;

	if (!ush_recorded(world) || ush_replaying(world))
		return;
	text = request_text(request);
	write_line(world->recorder, text, json_pack("{s:i, s:s, s:s, s:b}", "error", (int)why->code, "what", why->what, "hint", why->hint, "signIn", 1));
}

static const json_t *peek(const struct ush_world *world, const struct ush_http_request *request, struct tape **tape)
{
	USH_AUTO_FREE char *text = NULL;

	if (!ush_replaying(world))
		return NULL;
	text = request_text(request);
	*tape = tape_of(world->recorder, text, false);
	return *tape != NULL && (*tape)->told < (*tape)->count ? (*tape)->answers[(*tape)->told] : NULL;
}

bool ush_record_more(const struct ush_world *world, const struct ush_http_request *request)
{
	struct tape *tape;

	return peek(world, request, &tape) != NULL;
}

int ush_record_tell_refusal(const struct ush_world *world, const struct ush_http_request *request, struct ush_error *err)
{
	struct tape *tape = NULL;
	const json_t *answer = peek(world, request, &tape);
	const char *hint = ush_json_string(answer, "hint");

	if (!json_is_true(json_object_get(answer, "signIn")))
		return 0;
	tape->told++;
	ush_fail(err, (enum ush_code)json_integer_value(json_object_get(answer, "error")), "%s", ush_json_string(answer, "what"));
	return hint != NULL ? ush_hint(err, "%s", hint) : -1;
}

int ush_record_get(const struct ush_world *world, const char *request, struct ush_buf *answer, struct ush_error *err)
{
	const json_t *kept = next_answer(world->recorder, request, err);
	const json_t *text = json_object_get(kept, "text");

	if (kept == NULL)
		return -1;
	if (!json_is_string(text))
		return ush_fail(err, USH_ERR_INCOMPLETE, "the recording in %.80s has no text for %.200s", world->recorder->folder, request);
	if (ush_buf_add(answer, json_string_value(text), json_string_length(text)) != 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the recording in %.80s: the text for %.200s is too long", world->recorder->folder, request);
	return 0;
}
