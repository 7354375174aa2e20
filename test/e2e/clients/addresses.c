/* Prints the addresses of a name, a line each, or what getaddrinfo(3) says against it. Linked with musl it is a client of its own. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int count, char **arguments)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *first, *each;
	char text[128];
	int error = getaddrinfo(count > 1 ? arguments[1] : "", NULL, &hints, &first);

	if (error) {
		puts(gai_strerror(error));
		return 1;
	}
	for (each = first; each; each = each->ai_next)
		if (!getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST))
			puts(text);
	return 0;
}
