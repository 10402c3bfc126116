/** Links to files in Markdown that the server has written, in the form in which VS Code's preview opens them. */
import * as path from "node:path";

const FILE_LINK = /\[((?:\\.|[^\\\]])*)\]\(file:\/\/([^)\s#]*)(#L\d+)?\)/g;

/**
 * VS Code's preview shows links to `file:` as they are written, and takes a path that starts with a slash from the first
 * workspace folder. Without a folder the text of the link stays.
 *
 * @param folder the path of the first workspace folder
 */
export function openable(markdown: string, folder: string | undefined): string {
  return markdown.replace(FILE_LINK, (_, text: string, location: string, line: string | undefined) => {
    const file = decodeURIComponent(location).replace(/^\/([A-Za-z]:)/, "$1");
    const relative = folder === undefined ? file : path.relative(folder, file);
    // On another drive there is no way from the folder to the file.
    return path.isAbsolute(relative) ? text : `[${text}](/${encodeURI(relative.replaceAll(path.sep, "/"))}${line ?? ""})`;
  });
}
