"""What stands before the page: who may call it by which name, and how much a request may hold.

An ASGI middleware around everything that Gradio serves. It refuses with one sentence, before
anything is parsed or copied; what it lets through is of a bounded size and a known form.
"""

from ui.guard.logins import LoginThrottle
from ui.guard.middleware import Access, Guard
from ui.guard.names import Names, is_loopback

__all__ = ["Access", "Guard", "LoginThrottle", "Names", "is_loopback"]
