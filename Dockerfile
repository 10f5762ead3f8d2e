# One image for all of Dataflow: workers, the launcher of the Flex Template, and a place to drive jobs from.
# What a job's driver and its workers disagree about fails late and far away; one image leaves nothing to disagree about.
#   docker build --tag IMAGE .
#   docker run --entrypoint webtext IMAGE build --runner=DataflowRunner --sdk_container_image=IMAGE ...
ARG PYTHON=3.11
ARG BEAM=2.77.0
# Google's tags are dates; this one is what its own templates pin. The launcher only starts our program, it has no Beam.
ARG LAUNCHER=20240506-rc00

FROM apache/beam_python${PYTHON}_sdk:${BEAM} AS beam
FROM gcr.io/dataflow-templates-base/python311-template-launcher-base:${LAUNCHER} AS launcher

FROM python:${PYTHON}-slim-bookworm
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher

WORKDIR /template
COPY requirements.lock pyproject.toml setup.py README.md LICENSE ./
COPY webtext ./webtext
COPY filters ./filters
COPY dedup ./dedup
COPY pipelines ./pipelines
COPY model ./model
RUN pip install --no-cache-dir pip==26.3 \
    && pip install --no-cache-dir --constraint requirements.lock '.[dataflow,fast]' \
    && pip check
COPY deploy/flex_main.py ./flex_main.py

# Workers start with our package installed: nothing is staged, nothing is resolved at their start.
ENV PYTHONUNBUFFERED=1 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    FLEX_TEMPLATE_PYTHON_PY_FILE=/template/flex_main.py
ENTRYPOINT ["/opt/apache/beam/boot"]
