"""Text of files and of standard input: UTF-8, or UTF-16 where a byte order mark says so."""

import codecs


def text_of_bytes(data: bytes) -> str:
    """Return the text without its byte order mark, with line feeds as line ends.

    Raises ValueError, whose text ends a sentence for the operator.
    """
    # Editors and shells of Windows write a mark before UTF-8, too; PowerShell 5 writes UTF-16.
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start}): convert it to UTF-8") from error
