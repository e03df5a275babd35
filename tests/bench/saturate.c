/* SPDX-License-Identifier: Apache-2.0
 *
 * saturate SERVER CAFILE TOKENFILE TEMPLATE COUNT STREAMS PREFIX: how many creates a second an API server takes from
 * libcurl alone: one HTTP/2 connection, STREAMS requests under way, nothing looked at but the status. TEMPLATE is a
 * RoleBinding as JSON in which @NAME@ and @NAMESPACE@ stand once each, in this order; COUNT of them are made, ten in each
 * of the namespaces tenant-00000, tenant-00001, ... Prints creates a second, seconds, CPU seconds, connections and how
 * many were created; ends with 1 when that is not all.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define STREAMS_MOST 256
#define TEXT_MOST    65536
#define AN_EACH      10

struct lane {
	CURL *easy;
	char url[600], *body;
};

struct bench {
	const char *server, *authority, *prefix;
	char *head, *middle, *tail; /* of the template, around the two holes */
	struct curl_slist *headers;
	CURLM *multi;
	struct lane lanes[STREAMS_MOST];
	long count, next, done, created, connections;
	size_t size;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_text(const char *path, char *text)
{
	FILE *file = fopen(path, "r");
	size_t length = file != NULL ? fread(text, 1, TEXT_MOST - 1, file) : 0;

	if (length == 0) {
		perror(path);
		exit(2);
	}
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0'; /* one line */
	fclose(file);
}

static size_t drop(char *data, size_t size, size_t count, void *context)
{
	(void)data, (void)context;
	return size * count;
}

/* Splits text at a hole; what follows is returned. */
static char *split(char *text, const char *hole)
{
	char *at = strstr(text, hole);

	if (at == NULL) {
		fprintf(stderr, "saturate: the template lacks %s\n", hole);
		exit(2);
	}
	*at = '\0';
	return at + strlen(hole);
}

static void set_up(struct bench *b, long streams)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	b->multi = curl_multi_init();
	curl_multi_setopt(b->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(b->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	b->size = strlen(b->head) + strlen(b->middle) + strlen(b->tail) + 200;
	for (struct lane *l = b->lanes; l < b->lanes + streams; l++) {
		l->body = malloc(b->size);
		l->easy = curl_easy_init();
		curl_easy_setopt(l->easy, CURLOPT_CAINFO, b->authority);
		curl_easy_setopt(l->easy, CURLOPT_HTTPHEADER, b->headers);
		curl_easy_setopt(l->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
		curl_easy_setopt(l->easy, CURLOPT_PIPEWAIT, 1L);
		curl_easy_setopt(l->easy, CURLOPT_PROXY, "");
		curl_easy_setopt(l->easy, CURLOPT_USERAGENT, "saturate");
		curl_easy_setopt(l->easy, CURLOPT_WRITEFUNCTION, drop);
		curl_easy_setopt(l->easy, CURLOPT_PRIVATE, l);
	}
}

static void launch(struct bench *b, struct lane *l)
{
	char namespace_name[32];
	long i = b->next++;

	snprintf(namespace_name, sizeof namespace_name, "tenant-%05ld", i / AN_EACH);
	snprintf(l->url, sizeof l->url, "%s/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings?fieldManager=saturate", b->server,
		 namespace_name);
	snprintf(l->body, b->size, "%s%s-%ld%s%s%s", b->head, b->prefix, i, b->middle, namespace_name, b->tail);
	curl_easy_setopt(l->easy, CURLOPT_URL, l->url);
	curl_easy_setopt(l->easy, CURLOPT_POSTFIELDS, l->body);
	curl_multi_add_handle(b->multi, l->easy);
}

static void land(struct bench *b, CURL *easy)
{
	struct lane *l = NULL;
	long status = 0, connections = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&l);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	b->connections += connections;
	b->created += status == 201;
	b->done++;
	curl_multi_remove_handle(b->multi, easy);
	if (b->next < b->count)
		launch(b, l);
}

static void run(struct bench *b, long streams)
{
	int running, left;

	for (long i = 0; i < streams && b->next < b->count; i++)
		launch(b, &b->lanes[i]);
	while (b->done < b->count) {
		long before = b->done;

		curl_multi_perform(b->multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(b->multi, &left)) != NULL;)
			land(b, m->easy_handle);
		if (b->done == before)
			curl_multi_poll(b->multi, NULL, 0, 100, NULL);
	}
}

int main(int argc, char **argv)
{
	static char token[TEXT_MOST], template[TEXT_MOST], login[TEXT_MOST + 32];
	static struct bench b;
	struct rusage usage;
	long streams;
	double begin, took;

	if (argc != 8 || (streams = strtol(argv[6], NULL, 10)) < 1 || streams > STREAMS_MOST) {
		fprintf(stderr, "saturate SERVER CAFILE TOKENFILE TEMPLATE COUNT STREAMS PREFIX\n");
		return 2;
	}
	read_text(argv[3], token);
	read_text(argv[4], template);
	snprintf(login, sizeof login, "Authorization: Bearer %s", token);
	b.headers = curl_slist_append(curl_slist_append(NULL, login), "Content-Type: application/json");
	b.headers = curl_slist_append(b.headers, "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json");
	b.server = argv[1];
	b.authority = argv[2];
	b.head = template;
	b.middle = split(template, "@NAME@");
	b.tail = split(b.middle, "@NAMESPACE@");
	b.count = strtol(argv[5], NULL, 10);
	b.prefix = argv[7];
	set_up(&b, streams);
	begin = now_s();
	run(&b, streams);
	took = now_s() - begin;
	getrusage(RUSAGE_SELF, &usage);
	printf("%.0f creates/s, %.2f s, CPU %.2f s, %ld connections, %ld created\n", (double)b.count / took, took,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
	       b.connections, b.created);
	return b.created == b.count ? 0 : 1;
}
