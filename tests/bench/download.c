/* SPDX-License-Identifier: Apache-2.0
 *
 * download CAFILE TOKENFILE HOW URL: the bare minimum that a reader of this list has to spend. Takes it over one HTTP/2
 * connection, with a user agent for which the API server does not pretty-print, and looks at nothing. HOW is "plain" or
 * "gzip", or a number: gzip in pages of so many, each asked for when the one before it has come.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 4096 /* the token of the next page stands before the items */

struct page {
	char head[HEAD];
	size_t length;
};

static size_t look(char *data, size_t size, size_t count, void *context)
{
	struct page *page = context;
	size_t n = size * count, room = HEAD - 1 - page->length;

	memcpy(page->head + page->length, data, n < room ? n : room);
	page->length += n < room ? n : room;
	return n;
}

static int first_line(const char *path, char *out, size_t size)
{
	FILE *from = fopen(path, "re");
	int result = from != NULL && fgets(out, (int)size, from) != NULL ? 0 : -1;

	if (from != NULL)
		fclose(from);
	if (result == 0)
		out[strcspn(out, "\n")] = '\0';
	return result;
}

/* The URL of the page behind this one, or -1 when there is none. */
static int next_url(struct page *page, const char *base, const char *how, char *url, size_t size)
{
	static const char key[] = "\"continue\":\"";
	const char *token, *end;

	page->head[page->length] = '\0';
	token = strstr(page->head, key);
	end = token != NULL ? strchr(token + strlen(key), '"') : NULL;
	if (end == NULL)
		return -1;
	token += strlen(key);
	return snprintf(url, size, "%s?limit=%s&continue=%.*s", base, how, (int)(end - token), token) < (int)size ? 0 : -1;
}

static CURL *client(char **argv, struct curl_slist **headers, struct page *page)
{
	char token[4096], line[4200];
	CURL *easy = curl_easy_init();

	if (first_line(argv[2], token, sizeof token) != 0)
		return NULL;
	snprintf(line, sizeof line, "Authorization: Bearer %s", token);
	*headers = curl_slist_append(NULL, line);
	*headers = curl_slist_append(*headers, "Accept: application/json");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(easy, CURLOPT_CAINFO, argv[1]);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "usher/bench");
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, look);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, page);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	if (strcmp(argv[3], "plain") != 0)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	return easy;
}

int main(int argc, char **argv)
{
	static struct page page;
	struct curl_slist *headers = NULL;
	char url[4 * HEAD];
	CURLcode result;
	CURL *easy;

	if (argc != 5) {
		fprintf(stderr, "download CAFILE TOKENFILE plain|gzip|N URL\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_ALL);
	easy = client(argv, &headers, &page);
	if (easy == NULL)
		return 1;
	snprintf(url, sizeof url, atoi(argv[3]) > 0 ? "%s?limit=%s" : "%s", argv[4], argv[3]);
	do {
		page.length = 0;
		curl_easy_setopt(easy, CURLOPT_URL, url);
		result = curl_easy_perform(easy);
	} while (result == CURLE_OK && next_url(&page, argv[4], argv[3], url, sizeof url) == 0);
	if (result != CURLE_OK)
		fprintf(stderr, "download: %s\n", curl_easy_strerror(result));
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	curl_global_cleanup();
	return result != CURLE_OK;
}
