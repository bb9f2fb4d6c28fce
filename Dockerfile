# syntax=docker/dockerfile:1
# Two stages: everything that builds stays behind; what runs is one binary, certificates and a user without rights.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends nasm cmake nodejs npm git \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# `make playground` puts the page where the build embeds it; a mounted cache keeps crates between builds.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    make playground \
 && cargo build --release --locked --package calotype \
 && cp target/release/calotype /calotype

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home calotype
COPY --from=build /calotype /usr/local/bin/calotype
USER calotype
VOLUME /data
EXPOSE 8080
ENV CALOTYPE_LISTEN=0.0.0.0:8080 \
    CALOTYPE_DATA=/data \
    CALOTYPE_LOG_FORMAT=json
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s CMD ["calotype", "health"]
ENTRYPOINT ["calotype"]
CMD ["serve"]
