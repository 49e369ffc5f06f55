"""Takes Avon's calls and archives them: verified, on disk before they are answered, and no more.

Needs the extra ``receive`` (starlette, uvicorn, httptools), and a system with POSIX file locks.
"""
