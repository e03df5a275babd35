/* SPDX-License-Identifier: Apache-2.0
 *
 * load SERVER CAFILE TOKENFILE: POSTs what it reads, a line each "PATH<tab>JSON", 64 at a time over one HTTP/2
 * connection. Fails when the server does not answer 201 to every one.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS 64

static struct slot {
	CURL *easy;
	char *line;
	size_t size;
} slots[STREAMS];

static size_t drop(char *data, size_t size, size_t count, void *context)
{
	(void)data, (void)context;
	return size * count;
}

static struct curl_slist *read_headers(const char *token_file)
{
	char token[4096], line[4200];
	FILE *from = fopen(token_file, "re");
	bool good = from != NULL && fgets(token, sizeof token, from) != NULL;

	if (from != NULL)
		fclose(from);
	if (!good)
		return NULL;
	token[strcspn(token, "\n")] = '\0';
	snprintf(line, sizeof line, "Authorization: Bearer %s", token);
	return curl_slist_append(curl_slist_append(NULL, line), "Content-Type: application/json");
}

static bool start(CURLM *multi, struct slot *slot, const char *server)
{
	ssize_t length = getline(&slot->line, &slot->size, stdin);
	char *tab = length > 0 ? strchr(slot->line, '\t') : NULL, url[2048];

	if (tab == NULL)
		return false;
	*tab = '\0';
	snprintf(url, sizeof url, "%s%s", server, slot->line);
	curl_easy_setopt(slot->easy, CURLOPT_URL, url);
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, tab + 1);
	curl_multi_add_handle(multi, slot->easy);
	return true;
}

static void set_up(struct slot *slot, const char *ca, struct curl_slist *headers)
{
	slot->easy = curl_easy_init();
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(slot->easy, CURLOPT_CAINFO, ca);
	curl_easy_setopt(slot->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(slot->easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
}

int main(int argc, char **argv)
{
	struct curl_slist *headers = argc == 4 ? read_headers(argv[3]) : NULL;
	int running, left, live = 0;
	long created = 0, other = 0;
	CURLM *multi;
	CURLMsg *message;

	if (headers == NULL) {
		fprintf(stderr, "load SERVER CAFILE TOKENFILE\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_ALL);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	for (int i = 0; i < STREAMS; i++) {
		set_up(&slots[i], argv[2], headers);
		live += start(multi, &slots[i], argv[1]);
	}
	while (live > 0 && curl_multi_perform(multi, &running) == CURLM_OK) {
		while ((message = curl_multi_info_read(multi, &left)) != NULL) {
			struct slot *slot = NULL;
			CURL *easy = message->easy_handle;
			long code = 0;

			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
			curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
			*(code == 201 ? &created : &other) += 1;
			curl_multi_remove_handle(multi, easy);
			live += start(multi, slot, argv[1]) - 1;
		}
		curl_multi_poll(multi, NULL, 0, 100, NULL);
	}
	if (other > 0)
		fprintf(stderr, "load: %ld made, %ld not\n", created, other);
	return other > 0;
}
