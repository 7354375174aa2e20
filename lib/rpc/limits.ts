/** Of one message, both ways. Backups travel in frames of less, lists are paged. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
