/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/seats.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/memory.h"

/* IPv4, also as a socket for both has it, is the whole address. */
static void take_host(struct ush_seat *seat, const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET)
		memcpy(seat->host, &((const struct sockaddr_in *)address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		memcpy(seat->host, six->sin6_addr.s6_addr + 12, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(seat->host + 8, six->sin6_addr.s6_addr, 8);
}

/* The server sees the end of it, and drops it. */
static void cut(struct ush_seat *seat)
{
	seat->cut = true;
	shutdown(seat->fd, SHUT_RDWR);
}

/* It has sent something that nobody has looked at yet: its next request. */
static bool has_spoken(const struct ush_seat *seat)
{
	char byte;

	return recv(seat->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Of the known ones without a request under way the one that has had none for the longest, or NULL. */
static struct ush_seat *most_idle(const struct ush_seats *seats)
{
	struct ush_seat *found = NULL;

	for (struct ush_seat *seat = seats->newest; seat != NULL; seat = seat->next)
		if (seat->known && !seat->busy && !seat->waits && !seat->cut && (found == NULL || seat->since <= found->since) && !has_spoken(seat))
			found = seat;
	return found;
}

static void make_room(struct ush_seats *seats, const struct ush_seat *newest)
{
	struct ush_seat *oldest = NULL, *neighbour = NULL, *idle = NULL;
	size_t open = 0, strangers = 0, neighbours = 0;

	for (struct ush_seat *seat = seats->newest; seat != NULL; seat = seat->next) {
		bool counts = !seat->cut && !seat->known, near = counts && memcmp(seat->host, newest->host, sizeof seat->host) == 0;

		open += !seat->cut;
		strangers += counts;
		neighbours += near;
		oldest = counts ? seat : oldest;
		neighbour = near ? seat : neighbour;
	}
	if (neighbours <= seats->host_most && strangers <= seats->strangers_most && open <= seats->most)
		return;
	if (neighbours <= seats->host_most && strangers <= seats->strangers_least && (idle = most_idle(seats)) != NULL) {
		seats->gave_way++;
		cut(idle);
		return;
	}
	seats->crowded_out++;
	cut(neighbours > seats->host_most ? neighbour : oldest);
}

struct ush_seat *ush_seats_add(struct ush_seats *seats, int fd, const struct sockaddr *address, int64_t now)
{
	struct ush_seat *seat = ush_new(struct ush_seat);

	seat->fd = fd;
	seat->since = now;
	take_host(seat, address);
	seat->next = seats->newest;
	seat->before = &seats->newest;
	if (seat->next != NULL)
		seat->next->before = &seat->next;
	seats->newest = seat;
	make_room(seats, seat);
	return seat;
}

void ush_seat_drop(struct ush_seat *seat)
{
	*seat->before = seat->next;
	if (seat->next != NULL)
		seat->next->before = seat->before;
	free(seat);
}

void ush_seats_sweep(struct ush_seats *seats, int64_t now)
{
	for (struct ush_seat *seat = seats->newest; seat != NULL; seat = seat->next)
		if (!seat->waits && now - seat->since > (seat->known ? seats->known_ms : seats->stranger_ms))
			cut(seat);
}

void ush_seats_cut_strangers(struct ush_seats *seats)
{
	for (struct ush_seat *seat = seats->newest; seat != NULL; seat = seat->next)
		if (!seat->known)
			cut(seat);
}
