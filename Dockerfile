# The web UI in a container; how to run it: SECURITY.md.
#
#   docker build -t rpg .                          # CPU
#   docker build -t rpg --build-arg TORCH_INDEX= . # CUDA, for `docker run --gpus all`
#
# One base for both: torch's CUDA wheels bring CUDA's runtime themselves, and the host gives the driver.
# Nothing is installed by apt: every package is a wheel that brings its libraries.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

# PyTorch's own index has the CPU build. Empty: the ordinary index, whose build for Linux is CUDA's.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# As in requirements.txt; a layer of its own, so that no other change fetches it again.
ARG TORCH=2.13.0

RUN groupadd --gid 10001 rpg \
    && useradd --uid 10001 --gid rpg --no-create-home --home-dir /data --shell /usr/sbin/nologin rpg \
    && install -d -o rpg -g rpg -m 0700 /data

RUN if [ -n "${TORCH_INDEX}" ]; then export PIP_INDEX_URL="${TORCH_INDEX}"; fi \
    && python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
    "torch==${TORCH}"

WORKDIR /app
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
    -r requirements.txt

COPY LICENSE app.py ./
COPY prompts prompts
COPY ui ui
COPY rpg rpg

# The code is root's and read only. All that is written goes to /data, which lasts, or /tmp, which
# need not: `docker run --read-only --tmpfs /tmp -v rpg-sessions:/data`.
ENV HOME=/data \
    XDG_CACHE_HOME=/data/cache \
    XDG_CONFIG_HOME=/data/config \
    XDG_DATA_HOME=/data/share \
    HF_HOME=/data/huggingface \
    RPG_SESSIONS=/data/sessions \
    GRADIO_TEMP_DIR=/tmp/gradio \
    HF_HUB_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
VOLUME /data
USER 10001:10001
EXPOSE 7860

# A loopback address is a loopback Host, and no proxy of the environment is asked.
HEALTHCHECK --interval=30s --timeout=6s --start-period=120s --retries=3 \
    CMD ["python", "-c", "from urllib import request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:7860/robots.txt', timeout=5)"]

# Python closes down on SIGINT; as a container's first process it would not even hear SIGTERM.
STOPSIGNAL SIGINT
ENTRYPOINT ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
CMD []
