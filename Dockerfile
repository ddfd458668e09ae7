# The book, made and checked by a user without rights: docker build -t ptmreuse . && docker run --rm ptmreuse
# A release names the image by its digest: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends make libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 reader
WORKDIR /home/reader/book
COPY --chown=reader . .
RUN chown reader .
USER reader
RUN make .venv/ready
CMD ["make", "book", "verify", "review", "certificate"]
