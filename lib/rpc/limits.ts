/** Of one message, both ways. Backups travel in frames of less, lists are paged. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** Of one that travels in a pipeline's: with its envelope it is still a message. */
export const MAX_PIPELINED_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;
