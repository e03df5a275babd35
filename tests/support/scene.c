/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scene.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "tests/support/tap.h"
#include "tests/support/visit.h"

struct scene_store scene_store;
struct ush_buf scene_cache, scene_asked;

/* ---- a store and a session cache in memory ---- */

static enum ush_store_result load(const char *key, int64_t deadline_ms, struct ush_secret **value,
				  struct ush_error *err)
{
	ck_assert_uint_eq(strlen(key), 64);
	ck_assert_int_eq(deadline_ms, USH_STORE_DEADLINE_MS);
	scene_store.loads++;
	if (scene_store.load_says != USH_STORE_OK) {
		ush_fail(err, USH_ERR_STORE, "scripted");
		return scene_store.load_says;
	}
	*value = ush_secret_copy(scene_store.value);
	if (scene_store.next != NULL) {
		ush_secret_free(scene_store.value);
		scene_store.value = ush_steal(&scene_store.next);
	}
	return *value != NULL ? USH_STORE_OK : USH_STORE_ABSENT;
}

static enum ush_store_result save(const char *key, const char *label, const struct ush_secret *value,
				  int64_t deadline_ms, struct ush_error *err)
{
	struct stat st;

	(void)deadline_ms;
	ck_assert_uint_eq(strlen(key), 64);
	ck_assert_ptr_nonnull(strstr(label, "prod"));
	scene_store.saves++;
	scene_store.saved_before_output =
		scene_store.watched_fd > 0 && fstat(scene_store.watched_fd, &st) == 0 && st.st_size == 0;
	if (scene_store.save_says != USH_STORE_OK) {
		ush_fail(err, USH_ERR_STORE, "scripted");
		return scene_store.save_says;
	}
	ush_secret_free(scene_store.value);
	scene_store.value = ush_secret_copy(value);
	return USH_STORE_OK;
}

static enum ush_store_result erase(const char *key, int64_t deadline_ms, struct ush_error *err)
{
	bool there = scene_store.value != NULL;

	(void)key;
	(void)deadline_ms;
	scene_store.erases++;
	if (scene_store.erase_says != USH_STORE_OK) {
		ush_fail(err, USH_ERR_STORE, "scripted");
		return scene_store.erase_says;
	}
	ush_secret_free(ush_steal(&scene_store.value));
	return there ? USH_STORE_OK : USH_STORE_ABSENT;
}

static const struct ush_store_ops store = {"memory", "the test's memory", load, save, erase};

static struct ush_buf *drawer(const char *identity)
{
	if (strcmp(identity, "usher:story.asked") == 0)
		return &scene_asked;
	ck_assert_str_eq(identity, "usher:story");
	return &scene_cache;
}

static long cache_load(const char *identity, char *out, size_t size)
{
	const struct ush_buf *buf = drawer(identity);

	if (buf->length == 0 || buf->length > size)
		return -1;
	memcpy(out, buf->data, buf->length);
	return (long)buf->length;
}

static int cache_save(const char *identity, const char *text, size_t length, int64_t ttl, const char **where)
{
	ck_assert_int_gt(ttl, 0);
	*where = "memory";
	ush_buf_free(drawer(identity));
	return ush_buf_add(drawer(identity), text, length);
}

static void cache_drop(const char *identity)
{
	ush_buf_free(drawer(identity));
}

static const struct ush_cache_ops cache = {cache_load, cache_save, cache_drop};

/* ---- a person with a browser: a child, so that the listener can answer it ---- */

static char *way_back(const struct scene *scene, const char *redirect_uri, const char *state, const char *good)
{
	switch (scene->browser) {
	case BROWSER_DENIES:
		return ush_printf("%s?%s&state=%s", redirect_uri,
				  scene->denial != NULL ? scene->denial : "error=access_denied", state);
	case BROWSER_OTHER_ISSUER:
		return ush_printf("%s?code=c.x&state=%s&iss=https%%3A%%2F%%2Fevil.example", redirect_uri, state);
	case BROWSER_FORGED_CODE:
		return ush_printf("%s?code=c.bm9uY2UgY2hhbGxlbmdlIGh0dHA6Ly8xMjcuMC4wLjEvY2FsbGJhY2sgb24&state=%s",
				  redirect_uri, state);
	default:
		return ush_strdup(good);
	}
}

static int browse(const struct scene *scene, const char *url)
{
	unsigned int port = visit_port(url);
	char *answer = NULL, *page = NULL, *location, *good, *state, *redirect_uri, *back;

	visit(port, "GET", visit_target(url), NULL, &answer);
	location = visit_header(answer, "Location");
	good = location != NULL ? fake_idp_authorize(scene->idp, location) : NULL;
	if (good == NULL)
		return 0;
	redirect_uri = ush_strndup(good, strcspn(good, "?"));
	state = strstr(good, "&state=") + strlen("&state=");
	state = ush_strndup(state, strcspn(state, "&"));
	if (scene->browser == BROWSER_FORGED_FIRST)
		visit(port, "GET", "/callback?code=evil&state=forged", NULL, NULL);
	back = way_back(scene, redirect_uri, state, good);
	visit(port, "GET", visit_target(back), NULL, &page);
	return strstr(page, "<h1>Signed in") != NULL ? 1 : strstr(page, "<h1>Not signed in") != NULL ? 2 : 0;
}

static int open_browser(void *context, const char *url, struct ush_error *err)
{
	struct scene *scene = context;

	(void)err;
	scene->opened++;
	if (scene->browser == BROWSER_NOBODY) {
		scene->idp->per_look_ms = 61000;
		return 0;
	}
	scene->visitor = fork();
	ck_assert_int_ge(scene->visitor, 0);
	if (scene->visitor == 0)
		_exit(browse(scene, url));
	return 0;
}

int scene_page(struct scene *scene)
{
	int status = 0;

	if (scene->visitor == 0)
		return 0;
	ck_assert_int_eq(waitpid(scene->visitor, &status, 0), scene->visitor);
	scene->visitor = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* ---- the scene ---- */

static void own_folders(void)
{
	static const char *const variables[] = {"HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME",
						"XDG_CONFIG_HOME"};
	const char *folder = tap_folder();

	for (size_t i = 0; i < USH_COUNT(variables); i++)
		setenv(variables[i], folder, 1);
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	setenv("TZ", "UTC", 1);
	signal(SIGPIPE, SIG_IGN);
}

void scene_begin(struct scene *scene, const char *more)
{
	USH_AUTO_FREE char *text =
		ush_printf("issuer: " FAKE_ISSUER "\nclient: " FAKE_CLIENT "\nscopes: [groups, email]\n"
			   "servers: [\"https://k8s.example.com:6443\"]\n%s",
			   more != NULL ? more : "");

	own_folders();
	*scene = (struct scene){.idp = fake_idp_new()};
	scene->profile = ush_profile_read("prod", "/home/carol/.config/usher/profiles/prod.yaml", text, strlen(text),
					  &scene->err);
	ck_assert_msg(scene->profile != NULL, "%s", scene->err.what);
	scene->profile->identity = ush_strdup("usher:story");
	scene->options = (struct ush_signin_options){
		.interactive = true,
		.say = open_memstream(&scene->said, &scene->said_length),
		.open = open_browser,
		.open_context = scene,
		.store = &store,
		.cache = &cache,
	};
	ush_secret_free(scene_store.value);
	scene_store = (struct scene_store){0};
	ush_buf_free(&scene_cache);
	ush_buf_free(&scene_asked);
}

void scene_end(struct scene *scene)
{
	scene_page(scene);
	ush_answer_free(&scene->answer);
	ush_profile_free(scene->profile);
	fake_idp_free(scene->idp);
	fclose(scene->options.say);
	free(scene->said);
	ush_secret_free(ush_steal(&scene_store.value));
	ush_secret_free(ush_steal(&scene_store.next));
	ush_buf_free(&scene_cache);
	ush_buf_free(&scene_asked);
}

int scene_sign_in(struct scene *scene)
{
	ush_answer_free(&scene->answer);
	ush_error_clear(&scene->err);
	return ush_signin_token(&scene->idp->world, scene->profile, &scene->options, &scene->answer, &scene->err);
}

void scene_pass(struct scene *scene, int64_t seconds)
{
	scene->idp->now_ms += 1000 * seconds;
	scene->idp->boot_ms += 1000 * seconds;
}

const char *scene_said(struct scene *scene)
{
	static char *text;

	fflush(scene->options.say);
	free(text);
	text = ush_strndup(scene->said, scene->said_length);
	rewind(scene->options.say);
	return text;
}

size_t scene_lines(const char *text)
{
	size_t lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

char *scene_stored_refresh(const struct scene *scene)
{
	USH_AUTO_FREE char *binding = ush_profile_binding(scene->profile);
	USH_AUTO_SESSION session = NULL;
	struct ush_error err = {0};

	if (scene_store.value == NULL)
		return NULL;
	session = ush_session_read(scene_store.value, binding, &err);
	return session != NULL ? ush_strdup(ush_secret_reveal(session->refresh)) : NULL;
}

bool scene_clean(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if ((p == text || p[-1] == '\n') && strncmp(p, "usher: ", 7) != 0)
			return false;
		if (*p != '\n' && (*p < 0x20 || *p > 0x7e))
			return false;
	}
	return true;
}
