/** What an error says. Node tells a refused connection by its code alone where a name has several addresses. */
export function messageOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}
